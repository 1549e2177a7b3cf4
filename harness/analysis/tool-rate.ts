import type { ToolRate } from '../model/control.ts'
import type { OpOf } from '../model/history.ts'
import { impactOf } from './impact.ts'
import { nodeOf, overlap, type Span } from './places.ts'
import type { CellTrace, FaultTrace } from './trace.ts'

/** Tool calls that take their tokens from one bucket. */
export interface BucketUse {
  readonly of: 'task' | 'principal'
  readonly rate: ToolRate
  /** In the order in which the ledger heard of them. */
  readonly calls: readonly OpOf<'effect'>[]
  /**
   * Calls of which nobody but their executor can say when they were made, or whether they are calls of their own: they were on
   * their way for longer than a token is fresh, or were sent again although nothing was in the way of their answers.
   */
  readonly doubtful: number
}

/** Milliseconds from the taking of a token, within which its call is made (`patterns/contract/engine/accounts.ts`). */
const freshMs = 1000

/** Of every task of the cell, and of every principal where there is such a rate. Empty where there is none. */
export function bucketsOf(trace: CellTrace): readonly BucketUse[] {
  const rates = trace.cell?.limits?.toolRates
  if (!rates) return []
  const { task, principal } = rates
  const calls = callsIn(trace)
  const obstacles = trace.faults.filter((fault) => fault.proven && impactOf(fault).kind !== 'none')
  const usesOf = (of: BucketUse['of'], its: ToolRate, bucketOf: (call: Call) => string): readonly BucketUse[] => {
    return [...Map.groupBy(calls, bucketOf).values()].map((all) => {
      const found = tellCalls(
        all.map(({ op }) => op),
        obstacles,
      )
      return { of, rate: its, ...found }
    })
  }
  return [
    ...usesOf('task', task, ({ op }) => op.value.taskId),
    ...(principal ? usesOf('principal', principal, (call) => call.principal) : []),
  ]
}

interface Call {
  readonly op: OpOf<'effect'>
  readonly principal: string
}

/** Whoever has no principal of its own is the operator's. */
function callsIn({ tasks, controls }: CellTrace): readonly Call[] {
  const beside = [...controls.values()].flatMap(({ key, probe, effects }) => {
    const { principal = probe.kind === 'permission' ? key : '' } = probe
    return effects.map((op) => ({ op, principal }))
  })
  return [...tasks.flatMap(({ effects }) => effects.map((op) => ({ op, principal: '' }))), ...beside]
}

/** A call without an answer is sent again, and has the same body: it is the same call, and took one token. */
function tellCalls(
  effects: readonly OpOf<'effect'>[],
  obstacles: readonly FaultTrace[],
): Pick<BucketUse, 'calls' | 'doubtful'> {
  const inOrder = effects.toSorted((a, b) => a.at - b.at)
  const firsts = Map.groupBy(inOrder, ({ value: { taskId, step, attempt, executor, startedAt, endedAt } }) =>
    [taskId, step, attempt, executor, startedAt, endedAt].join(),
  )
  const made = [...firsts.values()].map(([first]) => first!)
  const timely = made.filter(({ at, value }) => at - value.endedAt <= freshMs)
  const again = [...firsts.values()].flatMap((posts) => posts.slice(1))
  const unexplained = again.filter((op) => !obstacles.some((fault) => isInTheWay(fault, op)))
  return { calls: timely, doubtful: made.length - timely.length + unexplained.length }
}

/** It harmed the way to the tools, or who called them, between the call and its repetition. */
function isInTheWay({ armedAt, healedAt = Infinity, places }: FaultTrace, { at, value }: OpOf<'effect'>): boolean {
  const [since, until]: Span = [armedAt ?? Infinity, healedAt]
  if (!overlap([since, until], [value.endedAt, at])) return false
  return places.some((place) => {
    return 'link' in place ? place.link.startsWith('worker->tools') : place.node === nodeOf(value.executor)
  })
}

/**
 * The calls of the window that is most beyond `rate x (w + 1) + burst` calls in w seconds, if there is any: a token may be
 * used a second after it was taken.
 */
export function burstBeyond(use: Uses): readonly OpOf<'effect'>[] {
  const [from, to] = fullestWindow(use)
  return callsBeyond(use) > 0 ? use.calls.slice(from, to + 1) : []
}

/** How many calls of that window are too many. */
export function callsBeyond(use: Uses): number {
  const { perSecond, burst } = use.rate
  const [, , surplus] = fullestWindow(use)
  return Math.max(0, Math.ceil(surplus - perSecond - burst))
}

type Uses = Pick<BucketUse, 'rate' | 'calls'>

/**
 * The window that has the most calls beyond its rate: its first and its last call, and how many beyond. Linear: what a window has
 * is what all calls until its end have, less what those before it had.
 */
function fullestWindow({ calls, rate }: Uses): readonly [from: number, to: number, surplus: number] {
  const level = (i: number): number => i - (rate.perSecond * calls[i]!.at) / 1000
  let lowest = 0
  let best: readonly [number, number, number] = [0, -1, -Infinity]
  for (let to = 0; to < calls.length; to++) {
    if (level(to) < level(lowest)) lowest = to
    const surplus = level(to) + 1 - level(lowest)
    if (surplus > best[2]) best = [lowest, to, surplus]
  }
  return best
}

/** A limit is felt where it held tasks back for at least so long, in milliseconds, and so much of its rate was used. */
const [leastFeltMs, mostlyUsed] = [2000, 0.8]

/**
 * Whether the limit was felt: in some window of seconds all of the burst and most of the rate were used. It is so short that
 * these are more calls than the rate alone allows: a demand below the rate never has them, however long it lasts.
 */
export function isFelt({ rate: { perSecond, burst }, calls }: Uses): boolean {
  const longestMs = (1000 * burst) / ((1 - mostlyUsed) * perSecond)
  return calls.some(({ at: endAt }, to) => {
    for (let from = to; from >= 0 && endAt - calls[from]!.at < longestMs; from--) {
      const lastedMs = endAt - calls[from]!.at
      if (lastedMs >= leastFeltMs && to - from >= burst + (mostlyUsed * perSecond * lastedMs) / 1000) return true
    }
    return false
  })
}
