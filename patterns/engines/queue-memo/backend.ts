export { openBackend } from '../queue/backend.ts'
