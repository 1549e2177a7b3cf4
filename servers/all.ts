import { discover } from '../harness/core/discover.ts'
import type { Server } from './server.ts'

/** By name: every folder here that has a `server.ts`. */
export const servers: ReadonlyMap<string, Server> = await discover<Server>(new URL('./', import.meta.url), 'server')
