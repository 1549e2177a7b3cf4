import { Hono, type Context } from 'hono'
import type { Backend, ShownAccounts } from '../engine/backend.ts'
import { topUp, type Balance } from '../types/account.ts'
import { ProblemError } from '../types/problems.ts'
import { checkedBy, limitBody, readJson } from './body.ts'
import { may, mayOperate } from './caller.ts'
import type { SeenBy } from './principals.ts'

/** What principals have, under `/v1`: each sees its own account, the operator every one. Who could raise its own balance would have no limit. */
export function accountRoutes(seenBy: SeenBy): Hono {
  return new Hono()
    .get('/accounts/:principal', may('tasks:read'), async (c) => sendBalance(c, seenBy(c)))
    .post('/accounts/:principal/top-ups', mayOperate, limitBody, async (c) => takeTopUp(c, seenBy(c)))
}

async function sendBalance(c: Context, backend: Backend): Promise<Response> {
  const balance = await requireAccounts(backend).read(c.req.param('principal')!)
  return answer(c, required(balance))
}

/** 200 with the balance as it is then: it is added to it, once per id. */
async function takeTopUp(c: Context, backend: Backend): Promise<Response> {
  const accounts = requireAccounts(backend)
  const principal = c.req.param('principal')!
  const wanted = checkedBy(topUp, await readJson(c))
  const outcome = await accounts.topUp(principal, wanted)
  if (outcome === 'reused') throw new ProblemError('command-id-reused', `the id ${wanted.id} came with another amount`)
  if (outcome === 'known') c.header('Command-Replayed', 'true')
  return answer(c, required(outcome === 'unknown' ? undefined : await accounts.read(principal)))
}

function answer(c: Context, balance: Balance): Response {
  c.header('Cache-Control', 'no-store')
  return c.json(balance)
}

function requireAccounts({ accounts }: Backend): ShownAccounts {
  if (accounts) return accounts
  throw new ProblemError('not-found', 'nobody’s tasks are paid from a balance here')
}

function required(balance: Balance | undefined): Balance {
  if (balance) return balance
  throw new ProblemError('not-found', 'no such account is kept here')
}
