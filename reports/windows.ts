import type { CellResult, FaultResult, RunResults } from '../harness/model/results.ts'
import { duration } from './numbers.ts'

/** Beyond this, up or down, a window is not the one that was planned. */
const toldBeyond = 1.2
/** Beyond this a compressed run is about other outages than its scenario's. */
const carriesWithin = 2

type Window = Pick<FaultResult, 'plannedMs' | 'lastedMs'>

/** How many times as long as planned, or as short: at least 1. Undefined where either is not known. */
function deviation({ plannedMs, lastedMs }: Window): number | undefined {
  if (!plannedMs || lastedMs === undefined) return undefined
  return lastedMs > plannedMs ? lastedMs / plannedMs : plannedMs / lastedMs
}

function isBeyond(limit: number): (fault: Window) => boolean {
  return (fault) => (deviation(fault) ?? 1) > limit
}

/** `planned 500 ms, lasted 1.90 s`; only the plan where it was never healed. */
export function windowWords({ plannedMs, lastedMs }: Window): string {
  const parts = [
    ...(plannedMs === undefined ? [] : [`planned ${duration(plannedMs)}`]),
    ...(lastedMs === undefined ? [] : [`lasted ${duration(lastedMs)}`]),
  ]
  return parts.join(', ') || '–'
}

/** One sentence per arm whose windows were not those of the plan. */
export function windowNotes({ cells, plan }: RunResults): readonly string[] {
  return [...Map.groupBy(cells, ({ cell }) => cell.arm)].flatMap(([arm, ofArm]) => {
    const other = ofArm.flatMap(({ faults }) => faults.filter(isBeyond(toldBeyond)))
    return other.length === 0 ? [] : [windowNote(arm, other, plan.timeScale)]
  })
}

function windowNote(arm: string, faults: readonly Window[], timeScale: number): string {
  const planned = faults.flatMap(({ plannedMs }) => plannedMs ?? [])
  const lasted = faults.flatMap(({ lastedMs }) => lastedMs ?? [])
  const world = (all: readonly number[]): string => range(all.map((ms) => ms * timeScale))
  const inWorld = timeScale === 1 ? '' : `: ${world(lasted)} of the task's world instead of ${world(planned)}`
  return `Under ${arm}, what was planned for ${range(planned)} lasted ${range(lasted)}${inWorld}.`
}

/** `1.90 s to 3.30 s`, or one of them where they read the same. */
function range(all: readonly number[]): string {
  const [low, high] = [duration(Math.min(...all)), duration(Math.max(...all))]
  return low === high ? low : `${low} to ${high}`
}

/** The arms whose outages are so far from the plan that nothing measured under them carries over to full length. */
export function armsBeyondPlan(cells: readonly CellResult[]): readonly string[] {
  const beyond = cells.filter(({ faults }) => faults.some(isBeyond(carriesWithin)))
  return [...new Set(beyond.map(({ cell }) => cell.arm))]
}
