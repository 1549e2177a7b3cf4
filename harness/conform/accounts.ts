import { decodeJwt } from 'jose'
import { z } from 'zod'
import { operator } from '../../patterns/contract/types/principal.ts'
import type { Target } from './case.ts'
import { Breach, NotApplicable, show } from './expect.ts'
import { mustHaveStatus, send, type Reply, type SendOptions } from './http.ts'
import { headerOf } from './patience.ts'

const amount = z.int().min(0)
const balance = z.looseObject({ principal: z.string(), credits: amount, held: amount, spent: amount })
export type Balance = z.infer<typeof balance>

/** Who pays for what the token submits: whom it says, the subject of a JWT, or the operator. */
export function principalOf({ principal, token }: Pick<Target, 'principal' | 'token'>): string {
  return principal ?? subjectOf(token) ?? operator
}

function subjectOf(token: string | undefined): string | undefined {
  try {
    return token === undefined ? undefined : decodeJwt(token).sub
  } catch {
    return undefined
  }
}

export function pathOfAccount(principal: string): string {
  return `/v1/accounts/${encodeURIComponent(principal)}`
}

export function askAccount(target: Target, options: SendOptions = {}): Promise<Reply> {
  return send(target, pathOfAccount(principalOf(target)), options)
}

/** Of the account that pays for the token's tasks. */
export async function readBalance(target: Target): Promise<Balance> {
  return balanceIn('the account', await askAccount(target))
}

/** The balance that an answer shows. */
export function balanceIn(what: string, reply: Reply): Balance {
  mustHaveStatus(what, reply, 200)
  const parsed = balance.safeParse(reply.json)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const where = issue!.path.map(String).join('.') || 'body'
  throw new Breach(`${what}: ${where}: ${issue!.message}; got ${show(reply.text)}`, { exchange: reply.exchange })
}

/** All that was ever there, wherever it is now: tasks change nothing of it. */
export function totalOf({ credits, held, spent }: Balance): number {
  return credits + held + spent
}

/** Adds to it, or does not, by a body that may be none. Throws NotApplicable where that is not the token's to do. */
export async function topUp(target: Target, body: unknown, options: SendOptions = {}): Promise<Reply> {
  const path = `${pathOfAccount(principalOf(target))}/top-ups`
  const reply = await send(target, path, { method: 'POST', body, ...options })
  if (reply.status === 403) throw new NotApplicable("it answers 403: a top-up is not its token's to make")
  return reply
}

export function isReplayed({ headers }: Reply): boolean {
  return headerOf(headers, 'command-replayed') === 'true'
}
