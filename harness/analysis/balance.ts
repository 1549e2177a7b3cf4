import type { OpOf } from '../model/history.ts'
import { controlsOf, logOf, momentsOf } from './control.ts'
import type { CellTrace, ControlTrace } from './trace.ts'

/** What a balance was spent on, by the ledger, and what the account says of itself. In credits. */
export interface BalanceBook {
  /** What its principal had. */
  readonly given: number
  readonly tasks: readonly ControlTrace[]
  /** Each step that has an effect, once, and what it costs, in the order in which the ledger heard of them. */
  readonly steps: readonly PaidStep[]
  readonly spent: number
  /** Tasks that ended for want of credits, by their logs. */
  readonly refused: readonly ControlTrace[]
  /** Tasks of which nobody could read how they ended. */
  readonly unread: number
  /** What may be paid without an effect: who pays calls the tool next, and may die or be cut in between. */
  readonly paidInVain: number
  /** What may be held still: for the next steps of tasks that nobody saw end. */
  readonly heldStill: number
  /** The account when all was over; `at` is when it was asked for. */
  readonly account?: OpOf<'control'> | undefined
}

export interface PaidStep {
  readonly op: OpOf<'effect'>
  readonly credits: number
}

/** Undefined where the cell has no such balance. */
export function bookOf(trace: CellTrace): BalanceBook | undefined {
  const [given] = Object.values(trace.cell?.limits?.balances ?? {})
  if (given === undefined) return undefined
  const tasks = controlsOf(trace, 'balance')
  const steps = tasks.flatMap(paidSteps).toSorted((a, b) => a.op.at - b.op.at)
  const refused = tasks.filter(wasRefused)
  // Who completed has an effect of each step, and who was refused had nothing held for the next one.
  const open = tasks.filter((task) => !refused.includes(task) && endOf(task)?.status !== 'completed')
  return {
    given,
    tasks,
    steps,
    spent: sum(steps),
    refused,
    unread: tasks.filter((task) => !endOf(task) && task.seen.length + task.effects.length > 0).length,
    paidInVain: open.reduce((all, task) => all + costOfNext(task), 0),
    heldStill: open.reduce((all, task) => (endOf(task) ? all : all + costOfNext(task)), 0),
    account: tasks.flatMap((task) => momentsOf(task, 'account'))[0],
  }
}

/** A step that is done again has the same key, and costs once. */
function paidSteps({ probe: { costs = [] }, effects }: ControlTrace): readonly PaidStep[] {
  const firsts = Map.groupBy(effects, ({ value }) => `${value.taskId}/${value.step}`).values()
  return [...firsts].map(([op]) => ({ op: op!, credits: costs[op!.value.step - 1] ?? 0 }))
}

const ends: ReadonlySet<string> = new Set(['completed', 'failed', 'cancelled', 'expired', 'rejected'])

function endOf(task: ControlTrace) {
  return logOf(task)?.events.find(({ status }) => ends.has(status))
}

function wasRefused(task: ControlTrace): boolean {
  const end = endOf(task)
  return end?.status === 'failed' && end.data['reason'] === 'balance-exhausted'
}

/** Of the step after the last one that has an effect. */
export function costOfNext({ probe: { costs = [] }, effects }: ControlTrace): number {
  return costs[Math.max(0, ...effects.map(({ value }) => value.step))] ?? 0
}

export function sum(steps: readonly PaidStep[]): number {
  return steps.reduce((all, { credits }) => all + credits, 0)
}
