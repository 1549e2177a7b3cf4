import type { Context } from 'hono'
import { ProblemError } from '../types/problems.ts'
import { operator } from '../types/principal.ts'
import type { Scope, TaskScope } from '../types/scopes.ts'

/** Who sends a request, by its bearer token. */
export interface Caller {
  readonly principal: string
  /** What the token allows. */
  readonly scopes: ReadonlySet<Scope> | 'all'
  /** What the token says of its end (`exp`), in milliseconds since 1970. */
  readonly expiresAt: number
  /** When it is taken no more: a little later, as clocks differ. */
  readonly endsAt: number
}

/** Nobody we know. */
export interface Stranger {
  /** What is wrong with the token; absent: there is none. */
  readonly flaw?: string
}

export function isCaller(who: Caller | Stranger): who is Caller {
  return 'principal' in who
}

declare module 'hono' {
  interface ContextVariableMap {
    /** Once the token was read; undefined where none is needed. */
    caller: Caller | undefined
  }
}

/** The bearer of the operator's token. */
export const owner: Caller = { principal: operator, scopes: 'all', expiresAt: Infinity, endsAt: Infinity }

/** Whether the token allows this now: what was opened with it may be open for longer than it lasts. */
export function permits({ scopes, endsAt }: Caller, scope: Scope, nowMs = Date.now()): boolean {
  return nowMs < endsAt && (scopes === 'all' || scopes.has(scope))
}

/** Lets a request pass whose token allows this. Throws the problem `forbidden`. */
export function may(scope: TaskScope) {
  return async (c: Context, next: () => Promise<void>): Promise<void> => {
    requireScopes(c, [scope])
    return next()
  }
}

/** Throws the problem `forbidden`, and names what is missing as RFC 6750 (3.1) has it. */
export function requireScopes(c: Context, wanted: readonly Scope[]): void {
  const caller = c.get('caller')!
  const missing = wanted.filter((scope) => !permits(caller, scope))
  if (missing.length === 0) return
  c.header('WWW-Authenticate', `Bearer error="insufficient_scope", scope="${missing.join(' ')}"`)
  throw new ProblemError('forbidden', `the token does not allow ${missing.join(', ')}`)
}

/** Lets the operator pass alone. Throws the problem `forbidden`, of any other one alike. */
export async function mayOperate(c: Context, next: () => Promise<void>): Promise<void> {
  if (c.get('caller')!.principal === operator) return next()
  c.header('WWW-Authenticate', 'Bearer error="insufficient_scope"')
  throw new ProblemError('forbidden', 'only the operator’s token allows this')
}
