import { randomBytes } from 'node:crypto'
import type { Target } from '../model/target.ts'

/**
 * The bearer token that clients of one system send: a new one, which its processes are told. A service that runs already has
 * its own, which the user has in OUTLAST_TOKEN (`given`), as for `outlast conform URL`.
 */
export function tokenFor(target: Target | undefined, given = process.env['OUTLAST_TOKEN']): string {
  return (target && isRemote(target) && given) || randomBytes(24).toString('base64url')
}

/** Clients ask a service that runs already. */
export function isRemote({ processes }: Target): boolean {
  return processes.some(({ role, program }) => role === 'api' && program.kind === 'url')
}
