import type { ControlProbe, ControlSeen, ToolRate } from '../../harness/model/control.ts'
import type { Op } from '../../harness/model/history.ts'
import { type Draft, insertBefore, isPhase, rewrite } from './mutations.ts'
import { broken, polling } from './worlds.ts'

/** What such a system does wrong; nothing: it is a correct one. */
export type Flaw =
  /** Two workers see the same credits, and each spends them. */
  | 'double-spend'
  /** Who goes on after a crash holds the cost of the step once more; what was held before never comes back. */
  | 'lost-hold'
  /** Who goes on after a crash takes the step for paid, which it is not. */
  | 'unpaid-repeat'
  /** What was paid comes back when its task is refused, although tools were called for it. */
  | 'refund'
  /** It refuses whom it could pay for. */
  | 'miserly'
  /** A worker that starts again has a full bucket, and it is that of all. */
  | 'refilled'
  /** Each worker counts for itself. */
  | 'per-worker'
  /** There are no buckets. */
  | 'unlimited'

/** When executor 0 is killed, and is back (`worlds.ts`). */
const [killedAt, backAt] = [800, 1300]

const costs = [3, 6, 8, 2]
const stepMs = 250
const balance = 76
const task: ToolRate = { perSecond: 4, burst: 8 }
const principal: ToolRate = { perSecond: 10, burst: 20 }

const payers = Array.from({ length: 8 }, (_, i): ControlProbe => {
  return {
    key: `c-balance-${i + 1}`,
    kind: 'balance',
    seed: i,
    atMs: 150 * i,
    afterMs: 1,
    principal: 'c-balance',
    costs,
  }
})
const callers = Array.from({ length: 9 }, (_, i): ControlProbe => {
  const own = i % 4 === 0 ? `c-rate-${i + 1}` : 'c-rate'
  return { key: `c-rate-${i + 1}`, kind: 'rate', seed: i, atMs: 60 * i, afterMs: 1, principal: own }
})

/** A durable system under a kill, whose balance and rates are put to the test beside a load that they do not limit. */
export function limited(flaw?: Flaw): Op[] {
  const limits = { balances: { 'c-balance': balance }, toolRates: { task, principal } }
  const planned = rewrite(polling({ ...broken, tasks: 8 }), (op) => {
    if (op.f !== 'cell') return [op]
    const promises = [...op.value.promises, 'balance-holds', 'rate-holds'] as const
    return [{ ...op, value: { ...op.value, promises: [...promises], control: [...payers, ...callers], limits } }]
  })
  const accepted = [...payers, ...callers].map(({ key, kind, atMs }) =>
    seen(key, atMs + 1, { kind, moment: 'accepted' }),
  )
  return insertBefore(planned, isPhase('end'), ...accepted, ...spend(flaw), ...call(flaw))
}

/** The tasks that share a balance, step by step, in the order in which steps begin. */
function spend(flaw: Flaw | undefined): readonly Draft[] {
  const drafts: Draft[] = []
  const books = [0, 1].map(() => new Book())
  const ready = payers.map(({ key, atMs }, i) => ({ key, at: atMs, step: 1, worker: i % 2, attempt: 1 }))
  for (let next = earliest(ready); next; next = earliest(ready)) {
    const { key, at, step, worker, attempt } = next
    const book = books[flaw === 'double-spend' ? worker : 0]!
    const cost = costs[step - 1]!
    const isOver = step > costs.length
    const name = flaw === 'lost-hold' ? `${key}/${step}/${attempt}` : `${key}/${step}`
    if (isOver || (flaw === 'miserly' && book.spent > balance / 2) || !book.hold(name, cost)) {
      if (!isOver && flaw === 'refund') book.credits += costs.slice(0, step - 1).reduce((all, one) => all + one, 0)
      ready.splice(ready.indexOf(next), 1)
      drafts.push(endOf(key, isOver ? 'completed' : 'failed'))
    } else if (worker === 0 && at < killedAt && at + stepMs > killedAt) {
      // The worker dies in the middle of the step, and another one goes on.
      Object.assign(next, { at: killedAt + 300, worker: 1, attempt: attempt + 1 })
    } else {
      book.settle(name, cost, !(flaw === 'unpaid-repeat' && attempt > 1))
      drafts.push(effectOf(key, step, attempt, { worker, at: at + stepMs, tookMs: stepMs }))
      Object.assign(next, { at: at + stepMs, step: step + 1 })
    }
  }
  const { credits, held, spent } = books[0]!
  const account = { credits, held, spent }
  // As a run records them: what the ledger has comes last.
  const isEffect = ({ f }: Draft): boolean => f === 'effect'
  const asked = seen(payers[0]!.key, 20_000, { kind: 'balance', moment: 'account', account })
  return [...drafts.filter((one) => !isEffect(one)), asked, ...drafts.filter(isEffect)]
}

/** An account as it should be: what is held, it holds by name. */
class Book {
  credits = balance
  held = 0
  spent = 0
  readonly #holds = new Set<string>()

  hold(name: string, cost: number): boolean {
    if (this.#holds.has(name)) return true
    if (this.credits < cost) return false
    this.#holds.add(name)
    this.credits -= cost
    this.held += cost
    return true
  }

  settle(name: string, cost: number, isPaid: boolean): void {
    this.#holds.delete(name)
    this.held -= cost
    if (isPaid) this.spent += cost
    else this.credits += cost
  }
}

function earliest<T extends { readonly at: number }>(all: readonly T[]): T | undefined {
  return all.toSorted((a, b) => a.at - b.at)[0]
}

/** The tasks that call tools as fast as they may: twenty times a second, but for the buckets. */
function call(flaw: Flaw | undefined): readonly Draft[] {
  const drafts: Draft[] = []
  const done = new Map(callers.map(({ key }) => [key, 0]))
  const buckets = new Map<string, number>()
  const [tickMs, callsEach] = [50, 24]
  for (let at = 0; at < 18_000; at += tickMs) {
    for (const [name, tokens] of buckets) {
      const rate = name.startsWith('task') ? task : principal
      const isFilled = flaw === 'refilled' && at === backAt
      buckets.set(name, isFilled ? rate.burst : Math.min(rate.burst, tokens + (rate.perSecond * tickMs) / 1000))
    }
    for (const [i, { key, atMs, principal: own }] of callers.entries()) {
      const worker = i % 2
      if (at < atMs || done.get(key)! >= callsEach || (worker === 0 && at >= killedAt && at < backAt)) continue
      const suffix = flaw === 'per-worker' ? `@${worker}` : ''
      const names = [`task:${key}`, `principal:${own}${suffix}`]
      const tokens = names.map((name, n) => buckets.get(name) ?? [task, principal][n]!.burst)
      if (flaw !== 'unlimited' && tokens.some((left) => left < 1)) continue
      for (const [n, name] of names.entries()) buckets.set(name, tokens[n]! - 1)
      done.set(key, done.get(key)! + 1)
      drafts.push(effectOf(key, done.get(key)!, 1, { worker, at, tookMs: 30 }))
    }
  }
  return drafts
}

interface Work {
  readonly worker: number
  readonly at: number
  readonly tookMs: number
}

function effectOf(key: string, step: number, attempt: number, { worker, at, tookMs }: Work): Draft {
  const taskId = `id-${key}`
  // While it is dead a third one does its work, on the same books.
  const isDead = worker === 0 && at > killedAt && at - tookMs < backAt
  const executor = `worker-${isDead ? 2 : worker}`
  const about = { taskId, step, attempt, executor, idempotencyKey: `${taskId}/${step}` }
  const value = { ...about, startedAt: at - tookMs, endedAt: at }
  return { f: 'effect', type: 'observe', at: at + 1, process: 'ledger', task: key, value }
}

function endOf(key: string, status: 'completed' | 'failed'): Draft {
  const data = status === 'failed' ? { reason: 'balance-exhausted' } : {}
  const log = [{ seq: 1, type: `task.${status}`, status, data }]
  return seen(key, 20_000, { kind: 'balance', moment: 'log', log })
}

function seen(key: string, at: number, value: ControlSeen): Draft {
  return { f: 'control', type: 'observe', at, process: 'client', task: key, value }
}
