import { createHmac } from 'node:crypto'
import type { Context } from 'hono'
import type { TaskAccess } from '../engine/backend.ts'
import { type GrantClaims, grantAudience, grantHeader, longestGrantS } from '../types/grant.ts'
import { everyTool, scopeOf, toolsIn } from '../types/scopes.ts'
import type { NodeSettings } from '../types/settings.ts'
import type { TaskRequest } from '../types/task.ts'
import { requireScopes } from './caller.ts'

type Granting = Pick<NodeSettings, 'jwt' | 'grantKey' | 'timeScale'>

/**
 * Whose a new task is, and which tools it may use: those that it asks for, or all that the token allows. Undefined where
 * nobody tells principals apart or checks grants. Throws the problem `forbidden` for a tool that the token does not allow.
 */
export function accessFor(c: Context, request: TaskRequest, node: Granting): TaskAccess | undefined {
  const { principal, scopes } = c.get('caller')!
  const { tools: asked } = request
  if (asked) requireScopes(c, asked.map(scopeOf))
  const { jwt, grantKey } = node
  if (jwt === undefined && grantKey === undefined) return undefined
  const tools = asked ? [...new Set(asked)] : scopes === 'all' ? [everyTool] : toolsIn(scopes)
  if (grantKey === undefined) return { principal, tools }
  const mint = (task: string, acceptedAt: Date): string =>
    mintGrant(grantKey, { sub: principal, task, job: jobOf(request), tools }, termOf(request, node, acceptedAt))
  return { principal, tools, mint }
}

/** Work that has taken the place of ours may name it otherwise. */
function jobOf({ input }: TaskRequest): string | undefined {
  return (input as { readonly job?: string }).job
}

interface Term {
  readonly iat: number
  readonly exp: number
}

/** In seconds since 1970: until the deadline, or for as long as a grant lasts. */
function termOf({ deadline_s }: TaskRequest, { timeScale }: Granting, acceptedAt: Date): Term {
  const iat = Math.floor(acceptedAt.getTime() / 1000)
  const lastsS = deadline_s === undefined ? longestGrantS : deadline_s / timeScale
  return { iat, exp: iat + Math.ceil(lastsS) + 1 }
}

const header = encode(grantHeader)

/** A JWS in its compact form (RFC 7515, 3.1), made within the turn of the event loop in which the task gets its id. */
export function mintGrant(key: string, claims: GrantClaims, term: Term): string {
  const signed = `${header}.${encode({ aud: grantAudience, ...claims, ...term })}`
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}
