import { resolve } from 'node:path'
import { bearersOf } from '../../patterns/contract/server/bearers.ts'
import { readSettings } from '../../patterns/contract/server/settings.ts'
import { UsageError } from '../core/errors.ts'

/**
 * What whoever serves a pattern may say of its API nodes, in the environment: who may do what and how often, and whose pages may
 * ask. All else of a node's environment is what `outlast serve` decides itself, or has an option for.
 */
export const givenToServe = [
  'OUTLAST_JWKS_FILE',
  'OUTLAST_JWT_ISSUER',
  'OUTLAST_JWT_AUDIENCE',
  'OUTLAST_GRANT_KEY',
  'OUTLAST_RATE',
  'OUTLAST_CORS_ORIGINS',
] as const

/** What a node has to have beside that, so that all that is wrong is said at once. */
const placeholder = { OUTLAST_NODE: 'api-0', OUTLAST_PORT: '0', OUTLAST_DELIVERY: 'any', OUTLAST_ENGINE: 'any' }

/**
 * The part of `env` that is for API nodes. Throws UsageError with all that is wrong with it, the token included: then nothing
 * has been started.
 */
export function readServeAccess(env: NodeJS.ProcessEnv, token: string): Readonly<Record<string, string>> {
  const given = Object.fromEntries(givenToServe.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])))
  try {
    // Opens the key file as well: one that is none would be found out by a node, which nobody looks at.
    bearersOf(readSettings({ ...placeholder, ...given, OUTLAST_TOKEN: token }))
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
  const { OUTLAST_JWKS_FILE: file } = given
  // Nodes may have another working directory.
  return { ...given, ...(file !== undefined && { OUTLAST_JWKS_FILE: resolve(file) }) }
}
