import type { Context } from 'hono'
import { ProblemError } from '../types/problems.ts'
import { isStorable } from '../types/text.ts'
import type { Bearers } from './bearers.ts'
import { isCaller, type Stranger } from './caller.ts'

type Next = () => Promise<void>

const pathLimit = 512

/** What a resource can be asked may be known without a token: a browser asks beforehand, and has none then. */
export function requireToken(bearers: Bearers) {
  return async (c: Context, next: Next): Promise<void> => {
    if (c.req.method === 'OPTIONS') return next()
    const who = await bearers.identify(c.req.header('Authorization'))
    if (!isCaller(who)) return refuse(c, who)
    c.set('caller', who)
    return next()
  }
}

/** Says what is wrong with a token, and nothing to who sends none (RFC 6750, 3.1). */
function refuse(c: Context, { flaw }: Stranger): never {
  c.header('WWW-Authenticate', flaw === undefined ? 'Bearer' : 'Bearer error="invalid_token"')
  throw new ProblemError(
    'unauthorized',
    flaw === undefined ? 'send Authorization: Bearer <token>' : `the token: ${flaw}`,
  )
}

/** Path and query are text once their escapes are read, and no longer than any of ours: one check for all that is in them. */
export async function requireText(c: Context, next: Next): Promise<void> {
  if (!isText(c.req.url)) throw new ProblemError('validation', 'the address is not text: UTF-8 without U+0000')
  if (c.req.path.length > pathLimit) throw new ProblemError('not-found', 'no address here is that long')
  return next()
}

function isText(address: string): boolean {
  try {
    return isStorable(decodeURIComponent(address))
  } catch {
    return false
  }
}

/**
 * A kept connection would go on asking a node that is leaving. A client that is refused without a token gets no second
 * request, and no code reads the body of the first. A client that asked for another protocol gets the answer in this
 * one, and may begin anew.
 */
export function closeWhereDue(bearers: Bearers, drain: AbortSignal) {
  return async (c: Context, next: Next): Promise<void> => {
    await next()
    const isRefused = c.res.status >= 400 && !(await isKnown(c, bearers))
    if (drain.aborted || isRefused || c.req.header('Upgrade') !== undefined) c.header('Connection', 'close')
  }
}

/** Where no token was needed, nobody has looked at it. */
async function isKnown(c: Context, bearers: Bearers): Promise<boolean> {
  if (c.get('caller') !== undefined) return true
  return c.res.status !== 401 && isCaller(await bearers.identify(c.req.header('Authorization')))
}
