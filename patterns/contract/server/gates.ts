import { hash, timingSafeEqual } from 'node:crypto'
import type { Context } from 'hono'
import { ProblemError } from '../types/problems.ts'
import { isStorable } from '../types/text.ts'

type Next = () => Promise<void>

const pathLimit = 512

/** What a resource can be asked may be known without it: a browser asks beforehand, and has no token then. */
export function requireToken(token: string) {
  const isKnown = bearerCheck(token)
  return async (c: Context, next: Next): Promise<void> => {
    if (c.req.method === 'OPTIONS' || isKnown(c.req.header('Authorization'))) return next()
    throw new ProblemError('unauthorized', 'send Authorization: Bearer <token>')
  }
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
export function closeWhereDue(token: string, drain: AbortSignal) {
  const isKnown = bearerCheck(token)
  return async (c: Context, next: Next): Promise<void> => {
    await next()
    const isRefused = c.res.status >= 400 && !isKnown(c.req.header('Authorization'))
    if (drain.aborted || isRefused || c.req.header('Upgrade') !== undefined) c.header('Connection', 'close')
  }
}

/** Whether an Authorization header has the token. */
export type BearerCheck = (header: string | undefined) => boolean

/**
 * The scheme in any case (RFC 9110, 11.1), and the token exactly. Digests have one length, so that the comparison takes
 * the same time for every wrong token.
 */
export function bearerCheck(token: string): BearerCheck {
  const expected = digest(token)
  return (header = '') => {
    const [, given] = /^bearer +(.+)$/i.exec(header) ?? []
    return given !== undefined && timingSafeEqual(digest(given), expected)
  }
}

function digest(value: string): Buffer {
  return hash('sha256', value, 'buffer')
}
