import type { Secret } from '../core/masking.ts'
import type { Target } from '../model/target.ts'
import { ofEnvironment } from './mapping.ts'
import { isRemote } from './token.ts'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Secrets of the user's that a target is given: its own token, variables in headers, and what its processes are passed. A service may
 * repeat what it was sent, as many do in an error, and what it says of a task is recorded.
 */
export function secretsOf(target: Target | undefined, env: Environment = process.env): readonly Secret[] {
  if (!target) return []
  const { speech, processes } = target
  const headers = speech.kind === 'mapping' ? Object.values(speech.mapping.headers) : []
  const inHeaders = headers.flatMap((text) => [...text.matchAll(ofEnvironment)].map(([, name]) => name!))
  const own = isRemote(target) ? ['OUTLAST_TOKEN'] : []
  const names = new Set([...own, ...inHeaders, ...processes.flatMap(({ passEnv }) => passEnv)])
  return [...names].flatMap((name) => (env[name] === undefined ? [] : [{ name, value: env[name] }]))
}
