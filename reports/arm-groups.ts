import { isBeyondRuntime } from '../harness/model/plan-remarks.ts'
import { unmeasuredBy } from '../harness/model/verification.ts'
import type { CellPlan } from '../harness/model/plan.ts'
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

/** Arms and patterns as the scenario lists them, without arms that are beyond the runtime. */
export function armGroups(results: RunResults): readonly ArmGroup[] {
  const notApplicable = [
    ...results.plan.notApplicable.filter((one) => !isBeyondRuntime(one)),
    ...unmeasuredCells(results),
  ]
  const order = patternOrder(results)
  const arms = new Set([...cellsOf(results), ...notApplicable].map(({ arm }) => arm))
  return [...arms].map((arm) => {
    const cells = results.cells.filter(({ cell }) => cell.arm === arm)
    return {
      arm,
      control: cells.length > 0 && cells.every(({ cell }) => cell.faults.length === 0 && !cell.untouchedBy),
      cells: cells.toSorted((a, b) => place(order, a) - place(order, b) || a.cell.repetition - b.cell.repetition),
      notApplicable: notApplicable.filter((absent) => absent.arm === arm),
    }
  })
}

/** As the run carried them out: repetition by repetition, each through the arms as the scenario lists them. */
function cellsOf({ cells }: RunResults): readonly CellPlan[] {
  return cells.map(({ cell }) => cell)
}

/** Names of the patterns as the scenario lists them; of an older run, which does not say, as they were carried out. */
export function patternOrder(results: RunResults): readonly string[] {
  const { plan, verification } = results
  const present = new Set(
    [...cellsOf(results), ...plan.notApplicable, ...unmeasuredBy(verification)].map(({ pattern }) => pattern),
  )
  return [...new Set([...(plan.patterns ?? []), ...present])].filter((name) => present.has(name))
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
