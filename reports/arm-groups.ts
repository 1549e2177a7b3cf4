import { isBeyondRuntime } from '../harness/model/plan-remarks.ts'
import { unmeasuredBy } from '../harness/model/verification.ts'
import type { Proportion } from '../harness/model/judgements.ts'
import type { CellResult, RunResults } from '../harness/model/results.ts'

/** All cells under one arm, the patterns side by side. */
export interface ArmGroup {
  readonly arm: string
  /** No fault is planned: what the others are compared with. */
  readonly control: boolean
  readonly cells: readonly CellResult[]
  readonly notApplicable: readonly Absent[]
}

/** Why there is no cell. `broken`: the pattern breaks the contract, and so is not measured. */
interface Absent {
  readonly pattern: string
  readonly arm: string
  readonly reason: string
  readonly broken?: true
}

function unmeasuredCells({ plan, verification }: RunResults): readonly Absent[] {
  return unmeasuredBy(verification).flatMap(({ pattern, reason }) => {
    const arms = new Set(plan.cells.filter((cell) => cell.pattern === pattern).map(({ arm }) => arm))
    return [...arms].map((arm) => ({ pattern, arm, reason, broken: true as const }))
  })
}

/** The control first, then arms by name, without those beyond the runtime; patterns with the fewest losses first. */
export function armGroups(results: RunResults): readonly ArmGroup[] {
  const notApplicable = [
    ...results.plan.notApplicable.filter((one) => !isBeyondRuntime(one)),
    ...unmeasuredCells(results),
  ]
  const order = patternOrder(results)
  const arms = new Set([...results.cells.map(({ cell }) => cell.arm), ...notApplicable.map(({ arm }) => arm)])
  const groups = [...arms].map((arm) => {
    const cells = results.cells.filter(({ cell }) => cell.arm === arm)
    return {
      arm,
      control: cells.length > 0 && cells.every(({ cell }) => cell.faults.length === 0 && !cell.untouchedBy),
      cells: cells.toSorted((a, b) => place(order, a) - place(order, b) || a.cell.repetition - b.cell.repetition),
      notApplicable: notApplicable.filter((absent) => absent.arm === arm),
    }
  })
  return groups.toSorted((a, b) => Number(b.control) - Number(a.control) || (a.arm < b.arm ? -1 : 1))
}

/** Names of the patterns, the one that lost the smallest share of its tasks first; invalid cells say nothing. */
export function patternOrder(results: RunResults): readonly string[] {
  const names = new Set([
    ...results.cells.map(({ cell }) => cell.pattern),
    ...results.plan.notApplicable.map(({ pattern }) => pattern),
    ...unmeasuredBy(results.verification).map(({ pattern }) => pattern),
  ])
  const share = (name: string): number => {
    const cells = results.cells.filter(({ cell, verdict }) => cell.pattern === name && verdict !== 'INVALID')
    const n = sum(cells, ({ success }) => success.n)
    return n === 0 ? -1 : sum(cells, ({ success }) => success.successes) / n
  }
  return [...names].toSorted((a, b) => share(b) - share(a) || (a < b ? -1 : 1))
}

function place(order: readonly string[], { cell }: CellResult): number {
  return order.indexOf(cell.pattern)
}

export function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0)
}

/** `webhook`, or `webhook #2` where the run repeats. */
export function rowName(results: RunResults, { cell }: CellResult): string {
  const repeated = results.cells.some((other) => other.cell.repetition !== cell.repetition)
  return repeated ? `${cell.pattern} #${cell.repetition}` : cell.pattern
}

/** Not even a flawless record of fewer tasks shows 95 % success by a two-sided 95 % interval (0.95^72 < 0.025). */
export const fewestTasks = 72
/** Why the share says little, or undefined. */
export function tooSmall({ n }: Proportion): string | undefined {
  return n < fewestTasks ? `only ${n} tasks` : undefined
}

/** The worst share of failures that the interval, or what there is instead of one, still allows. */
export function failureBound({ interval, bounds }: Proportion): number {
  return 1 - (interval ?? bounds ?? [0, 1])[0]
}
