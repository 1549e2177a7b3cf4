/** The API's side is that of the temporal engine: only the server is another one. */
export { openBackend } from '../temporal/backend.ts'
