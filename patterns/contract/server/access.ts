import { z } from 'zod'
import { defaultSpawnLimits } from '../engine/sub-tasks.ts'
import { balances } from '../types/account.ts'
import type { NodeSettings, Rate } from '../types/settings.ts'

/** Who may do what, and how often, as a node's environment says it. */
export const accessEnvironment = {
  OUTLAST_JWKS_FILE: z.string().min(1).optional(),
  OUTLAST_JWT_ISSUER: z.string().min(1).optional(),
  OUTLAST_JWT_AUDIENCE: z.string().min(1).optional(),
  // A key of HS256 is no shorter than its digest (RFC 7518, 3.2).
  OUTLAST_GRANT_KEY: z.string().min(32, 'a random secret of at least 32 characters').optional(),
  OUTLAST_RATE: rate(),
  OUTLAST_TOOL_RATE_PER_TASK: rate(),
  OUTLAST_TOOL_RATE_PER_PRINCIPAL: rate(),
  OUTLAST_BALANCES: z.string().transform(jsonIn).pipe(balances).optional(),
  OUTLAST_SPAWN_DEPTH: z.coerce.number().int().min(0).max(9).optional(),
  OUTLAST_SPAWN_WIDTH: z.coerce.number().int().min(1).max(1000).optional(),
}
type Environment = z.infer<z.ZodObject<typeof accessEnvironment>>

function rate() {
  return z
    .string()
    .regex(/^[1-9]\d{0,5}\/[smh](:[1-9]\d{0,5})?$/, 'so many a second, minute or hour, and so many at once: 10/s:20')
    .transform(rateOf)
    .optional()
}

/** The value of JSON text, or the flaw. */
function jsonIn(text: string, { addIssue }: { addIssue: (message: string) => void }): unknown {
  try {
    return JSON.parse(text)
  } catch {
    addIssue('credits by principal, as a JSON object: {"alice": 300}')
    return z.NEVER
  }
}

const seconds = { s: 1, m: 60, h: 3600 } as const

/** `10/s:20`; without a burst it is the number before the slash. */
function rateOf(text: string): Rate {
  const [, count, unit, burst = count] = /^(\d+)\/([smh])(?::(\d+))?$/.exec(text)!
  return { perSecond: Number(count) / seconds[unit as keyof typeof seconds], burst: Number(burst) }
}

/** Half a description of an issuer would let in nobody, or anybody. */
export function isIssuerWhole(env: Partial<Environment>): boolean {
  const given = [env.OUTLAST_JWKS_FILE, env.OUTLAST_JWT_ISSUER, env.OUTLAST_JWT_AUDIENCE]
  return new Set(given.map((one) => one === undefined)).size === 1
}

type Access = Pick<NodeSettings, 'jwt' | 'grantKey' | 'rate' | 'balances' | 'toolRates' | 'spawnLimits'>

export function accessOf(env: Environment): Access {
  const { OUTLAST_JWKS_FILE: jwksFile, OUTLAST_JWT_ISSUER: issuer, OUTLAST_JWT_AUDIENCE: audience } = env
  const { OUTLAST_SPAWN_DEPTH: depth, OUTLAST_SPAWN_WIDTH: width } = env
  const [task, principal] = [env.OUTLAST_TOOL_RATE_PER_TASK, env.OUTLAST_TOOL_RATE_PER_PRINCIPAL]
  return {
    ...(jwksFile !== undefined && { jwt: { jwksFile, issuer: issuer!, audience: audience! } }),
    ...(env.OUTLAST_GRANT_KEY !== undefined && { grantKey: env.OUTLAST_GRANT_KEY }),
    ...(env.OUTLAST_RATE !== undefined && { rate: env.OUTLAST_RATE }),
    ...(env.OUTLAST_BALANCES !== undefined && { balances: env.OUTLAST_BALANCES }),
    ...((depth !== undefined || width !== undefined) && {
      spawnLimits: { depth: depth ?? defaultSpawnLimits.depth, width: width ?? defaultSpawnLimits.width },
    }),
    ...((task ?? principal) && { toolRates: { ...(task && { task }), ...(principal && { principal }) } }),
  }
}
