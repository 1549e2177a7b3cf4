/** The worker is that of the temporal engine: only the server is another one. */
export { startWorker } from '../temporal/worker.ts'
