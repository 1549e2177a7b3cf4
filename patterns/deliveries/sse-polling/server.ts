/** The server of `sse`: the status resource to fall back to is there for every delivery. */
export { default } from '../sse/server.ts'
