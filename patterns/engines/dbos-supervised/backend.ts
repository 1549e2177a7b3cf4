/** The API's side is that of the dbos engine: only executors are supervised. */
export { openBackend } from '../dbos/backend.ts'
