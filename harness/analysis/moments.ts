import type { PlannedFault } from '../model/plan.ts'
import type { CellTrace, FaultTrace, TaskTrace } from './trace.ts'

/** A firing that was to come within a window after what a task came to; real milliseconds. */
export interface Moment {
  readonly windowMs: number
  /** From that until it took effect; absent where either did not come. */
  readonly afterMs?: number
}

/** Undefined: the plan has no such window for this firing. */
export function momentOf({ id, armedAt }: FaultTrace, { cell, byTask }: CellTrace): Moment | undefined {
  const trigger = cell?.faults.find((planned) => planned.id === id)?.trigger
  if (!trigger || trigger.kind === 'time' || trigger.windowMs === undefined) return undefined
  const { windowMs, task } = trigger
  const trace = [...byTask.values()].find(({ intent }) => intent.ordinal === task - 1)
  const cameAt = trace && timeOf(trigger, trace)
  if (cameAt === undefined || armedAt === undefined) return { windowMs }
  return { windowMs, afterMs: armedAt - cameAt }
}

/** When the ledger first had the effect of this step, or the client that its task is accepted. */
function timeOf(trigger: Exclude<PlannedFault['trigger'], { kind: 'time' }>, task: TaskTrace): number | undefined {
  if (trigger.kind === 'accepted') return task.submits.find(({ type }) => type === 'ok')?.at
  const times = task.effects.filter(({ value }) => value.step === trigger.step).map(({ at }) => at)
  return times.length > 0 ? Math.min(...times) : undefined
}
