import { z } from 'zod'
import { limitsEnvironment, limitsOf } from '../contract/server/limits.ts'
import type { Limits } from '../contract/types/settings.ts'

/** What a tool gateway reads from its environment. */
export interface GatewaySettings {
  readonly node: string
  readonly start?: string
  readonly listen: { readonly host: string; readonly port: number }
  /** The secret of the API nodes' grants. */
  readonly grantKey: Uint8Array
  /** Where what is granted goes on to. */
  readonly toolsUrl: string
  /** What strangers may cost it. */
  readonly limits: Limits
}

const environment = z.object({
  OUTLAST_NODE: z.string().min(1),
  OUTLAST_START: z.string().optional(),
  OUTLAST_HOST: z.string().default('127.0.0.1'),
  OUTLAST_PORT: z.coerce.number().int().min(0).max(65535),
  OUTLAST_GRANT_KEY: z.string().min(32, 'the secret of the API nodes, of at least 32 characters'),
  OUTLAST_TOOLS_URL: z.url(),
  ...limitsEnvironment,
})

/** Throws one error that names every variable that is missing or wrong. */
export function readGatewaySettings(env: NodeJS.ProcessEnv): GatewaySettings {
  const parsed = environment.safeParse(env)
  if (!parsed.success) throw new Error(z.prettifyError(parsed.error))
  const e = parsed.data
  return {
    node: e.OUTLAST_NODE,
    ...(e.OUTLAST_START && { start: e.OUTLAST_START }),
    listen: { host: e.OUTLAST_HOST, port: e.OUTLAST_PORT },
    grantKey: Buffer.from(e.OUTLAST_GRANT_KEY),
    toolsUrl: e.OUTLAST_TOOLS_URL.replace(/\/$/, ''),
    limits: limitsOf(e),
  }
}
