import type { Episode, RunResults } from '../harness/store/schema.ts'
import { count, duration } from './numbers.ts'
import { armGroups, patternOrder } from './rows.ts'

/** What each pattern made of each arm's outages: one row per pattern, one field per arm. */
export interface RecoveryTable {
  readonly arms: readonly string[]
  readonly rows: readonly (readonly [pattern: string, ...fields: string[]])[]
}

/** What the fields of a row say, for whoever prints them. */
export const recoveryMeaning =
  'from the fault until somebody went on with the tasks that it interrupted (median), steps executed again, tasks lost'

/** Undefined where nobody took over anything. Invalid cells say nothing. */
export function recoveryTable(results: RunResults): RecoveryTable | undefined {
  const valid = results.cells.filter(({ verdict }) => verdict !== 'INVALID')
  const outagesOf = (pattern: string, arm: string): readonly Episode[] =>
    valid
      .filter(({ cell }) => cell.pattern === pattern && cell.arm === arm)
      .flatMap(({ episodes }) => episodes.filter(({ condition, affectedTasks }) => !condition && affectedTasks > 0))
  const patterns = patternOrder(results)
  const arms = armGroups(results)
    .map(({ arm }) => arm)
    .filter((arm) => patterns.some((pattern) => outagesOf(pattern, arm).some((one) => (one.takenOverTasks ?? 0) > 0)))
  if (arms.length === 0) return undefined
  const rows = patterns.map((pattern) => [pattern, ...arms.map((arm) => field(outagesOf(pattern, arm)))] as const)
  return { arms, rows }
}

function field(outages: readonly Episode[]): string {
  if (outages.length === 0) return '–'
  const sum = (value: (one: Episode) => number): number => outages.reduce((total, one) => total + value(one), 0)
  const lost = sum(({ lostTasks }) => lostTasks)
  return [
    takeover(outages),
    `${count(sum(({ reworkedSteps }) => reworkedSteps))} again`,
    ...(lost > 0 ? [`${count(lost)} lost`] : []),
  ].join(', ')
}

/** Over outages the middle one of their medians: an outage is one piece of luck for all of its tasks. */
function takeover(outages: readonly Episode[]): string {
  const medians = outages.flatMap(({ takeoverMsMedian }) => takeoverMsMedian ?? []).toSorted((a, b) => a - b)
  return medians.length === 0 ? 'none' : duration(medians[Math.ceil(medians.length / 2) - 1]!)
}
