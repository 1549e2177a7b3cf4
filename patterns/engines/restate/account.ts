import * as restate from '@restatedev/restate-sdk'
import type { NamedBucket } from '../../contract/engine/accounts.ts'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import { type Bucket, draw } from '../../contract/server/token-bucket.ts'
import type { Balance, Balances, TopUp } from '../../contract/types/account.ts'
import { accountName, type Cost, type Taken, type TopUpOutcome } from './protocol.ts'

interface Funds {
  readonly credits: number
  readonly held: number
  readonly spent: number
  /** Somebody found too little, and may wait still. */
  readonly isAwaited: boolean
}

/** Who found too little: `wake` is the awakeable that its run waits for. */
interface Waiting extends Cost {
  readonly wake: string
}

/** A task holds for one step at a time, and what is paid leaves no key: an account stays as small as its work under way. */
type State = { funds: Funds } & Record<`hold ${string}`, Cost> &
  Record<WaitKey, Waiting> &
  Record<`top-up ${string}`, number> &
  Record<`bucket ${string}`, Bucket>
type WaitKey = `wait ${string}`
type Account = restate.ObjectContext<State>

const { exclusive, shared } = restate.handlers.object
/** Of its many keys each call needs few. A run's journal has the answers: calls need none of their own afterwards. */
const options = { journalRetention: 0, enableLazyState: true }

/**
 * What a principal has, and the buckets of its tool calls: a virtual object, which the server serves one call at a time. Its
 * callers are runs, whose calls are journaled: each takes effect once, whatever crashes. `balances` are given at its first call.
 */
export function accountObject(balances: Balances) {
  const given = new Map(Object.entries(balances))
  /** On record, as other settings may come while a call is replayed. */
  const fundsOf = async (ctx: Pick<Account, 'get' | 'run' | 'key'>): Promise<Funds | undefined> => {
    const known = await ctx.get('funds')
    if (known) return known
    const credits = await ctx.run('given', () => given.get(ctx.key) ?? null)
    return credits === null ? undefined : { credits, held: 0, spent: 0, isAwaited: false }
  }

  /** True: it is held, or nobody pays. False: too little is left, and `wake` is resolved when it is held. */
  async function hold(ctx: Account, asked: Waiting): Promise<boolean> {
    const funds = await fundsOf(ctx)
    if (!funds || (await ctx.get(`hold ${asked.taskId}`))?.step === asked.step) return true
    if (funds.credits >= asked.credits) ctx.set('funds', held(ctx, funds, asked))
    else {
      ctx.set(`wait ${asked.taskId}`, asked)
      ctx.set('funds', { ...funds, isAwaited: true })
    }
    return funds.credits >= asked.credits
  }

  async function pay(ctx: Account, { taskId, step }: Pick<Cost, 'taskId' | 'step'>): Promise<void> {
    const own = await ctx.get(`hold ${taskId}`)
    if (own?.step !== step) return
    const funds = (await fundsOf(ctx))!
    ctx.clear(`hold ${taskId}`)
    ctx.set('funds', { ...funds, held: funds.held - own.credits, spent: funds.spent + own.credits })
  }

  /** A task is about to end: what it holds comes back, and it waits for nothing. */
  async function release(ctx: Account, taskId: string): Promise<void> {
    const own = await ctx.get(`hold ${taskId}`)
    for (const key of [`hold ${taskId}`, `wait ${taskId}`, `bucket task:${taskId}`] as const) ctx.clear(key)
    if (!own) return
    const funds = (await fundsOf(ctx))!
    await serve(ctx, { ...funds, held: funds.held - own.credits, credits: funds.credits + own.credits })
  }

  async function topUp(ctx: Account, { id, credits }: TopUp): Promise<TopUpOutcome> {
    const funds = await fundsOf(ctx)
    if (!funds) return 'unknown'
    const known = await ctx.get(`top-up ${id}`)
    if (known !== null) return known === credits ? 'known' : 'reused'
    ctx.set(`top-up ${id}`, credits)
    await serve(ctx, { ...funds, credits: funds.credits + credits })
    return 'made'
  }

  async function read(ctx: restate.ObjectSharedContext<State>): Promise<Balance | null> {
    const funds = await fundsOf(ctx)
    if (!funds) return null
    const { credits, held, spent } = funds
    return { principal: ctx.key, credits, held, spent }
  }

  return restate.object({
    name: accountName,
    options,
    handlers: {
      hold: exclusive((ctx: Account, asked: Waiting) =>
        withFaultPoints('restate.account-hold', () => hold(ctx, asked)),
      ),
      pay: exclusive((ctx: Account, paid: Cost) => withFaultPoints('restate.account-pay', () => pay(ctx, paid))),
      release: exclusive((ctx: Account, taskId: string) =>
        withFaultPoints('restate.account-release', () => release(ctx, taskId)),
      ),
      topUp: exclusive((ctx: Account, added: TopUp) =>
        withFaultPoints('restate.account-top-up', () => topUp(ctx, added)),
      ),
      take: exclusive((ctx: Account, asked: readonly NamedBucket[]) =>
        withFaultPoints('restate.account-take', () => take(ctx, asked)),
      ),
      read: shared(read),
    },
  })
}
export type AccountObject = ReturnType<typeof accountObject>

/** A token of each bucket, or of none. The clock is on record, so that a replay fills nothing twice. */
async function take(ctx: Account, asked: readonly NamedBucket[]): Promise<Taken> {
  const at = await ctx.date.now()
  const drawn = []
  for (const { name, rate } of asked)
    drawn.push({ name, ...draw((await ctx.get(`bucket ${name}`)) ?? undefined, rate, at) })
  const refused = drawn.filter(({ isTaken }) => !isTaken)
  if (refused.length === 0) for (const { name, bucket } of drawn) ctx.set(`bucket ${name}`, bucket)
  return { at, waitMs: Math.max(0, ...refused.map(({ nextMs }) => nextMs)) }
}

/** There are more credits: for whom they are enough, of those that found too little, it is held now, and its run goes on. */
async function serve(ctx: Account, funds: Funds): Promise<void> {
  let left = funds
  const keys = funds.isAwaited ? (await ctx.stateKeys()).filter(isWaitKey) : []
  let unserved = keys.length
  for (const key of keys) {
    if (left.credits === 0) break
    const { wake, ...cost } = (await ctx.get(key))!
    if (cost.credits > left.credits) continue
    left = held(ctx, left, cost)
    ctx.clear(key)
    ctx.resolveAwakeable(wake)
    unserved--
  }
  ctx.set('funds', { ...left, isAwaited: unserved > 0 })
}

/** What is left when this is held. */
function held(ctx: Account, funds: Funds, { taskId, step, credits }: Cost): Funds {
  ctx.set(`hold ${taskId}`, { taskId, step, credits })
  return { ...funds, credits: funds.credits - credits, held: funds.held + credits }
}

function isWaitKey(key: string): key is WaitKey {
  return key.startsWith('wait ')
}
