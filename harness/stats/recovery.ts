import { exposuresInTime, isOutage } from '../analysis/exposure.ts'
import { type CellTrace, type FaultTrace, taskEnd, type TaskTrace } from '../analysis/trace.ts'
import type { FaultEpisode, InterruptedTask } from '../model/results.ts'
import { interruptionsIn } from './interruptions.ts'
import { quantile } from './quantiles.ts'
import { countDuplicates } from './rework.ts'
import { createServiceMeter, type Seen } from './service.ts'
import { isTerminal } from '../../patterns/contract/types/task.ts'

/**
 * One entry per proven firing, in the order of onset. The onset is when it took effect; the end is its heal, or the
 * cell's end.
 * - detection: from the onset to the first symptom that the system or its client showed on an affected task;
 * - task stall: the longest time without progress (an effect, or the end) that touches the window, per affected task;
 * - interrupted, went on: `interruptionsIn`;
 * - restored: `findRestored`;
 * - rework: repeated executions, each counted for the latest firing that touched its task before it.
 */
export function measureEpisodes(trace: CellTrace, seen: Seen): readonly FaultEpisode[] {
  const touched = exposuresInTime(trace)
  const proven = trace.faults.filter((fault) => fault.proven && fault.armedAt !== undefined)
  const inOrder = proven.toSorted((a, b) => a.armedAt! - b.armedAt!)
  const affectedBy = new Map<FaultTrace, TaskTrace[]>(inOrder.map((fault) => [fault, []]))
  for (const [task, faults] of touched) for (const fault of faults) affectedBy.get(fault)?.push(task)
  const cut = Map.groupBy(interruptionsIn(trace), ({ fault }) => fault)
  const restored = createServiceMeter(trace, seen)
  return inOrder.map((fault) => ({
    ...measureEpisode(fault, affectedBy.get(fault)!, trace, seen),
    ...countInterrupted(cut.get(fault.id) ?? []),
    ...(isOutage(fault, trace) && { restored: restored(fault) }),
  }))
}

function countInterrupted(all: readonly InterruptedTask[]): Pick<FaultEpisode, 'interruptedTasks' | 'wentOnTasks'> {
  return { interruptedTasks: all.length, wentOnTasks: all.filter(({ afterMs }) => afterMs !== undefined).length }
}

/** The firing whose episode a touched task belongs to: the first outage, else the first. */
export function episodeOf(faults: readonly FaultTrace[], trace: CellTrace): FaultTrace | undefined {
  return faults.find((fault) => isOutage(fault, trace)) ?? faults[0]
}

function measureEpisode(
  fault: FaultTrace,
  affected: readonly TaskTrace[],
  trace: CellTrace,
  seen: Seen,
): Omit<FaultEpisode, 'interruptedTasks' | 'wentOnTasks'> {
  const startedAt = fault.armedAt!
  const endedAt = fault.healedAt ?? trace.endAt
  const touched = exposuresInTime(trace)
  const own = affected.filter((task) => episodeOf(touched.get(task) ?? [], trace) === fault)
  const stalls = affected.map((task) => longestStall(task, seen(task), startedAt, endedAt))
  return {
    fault: fault.id,
    startedAt,
    endedAt,
    affectedTasks: affected.length,
    lostTasks: own.filter((task) => seen(task) === Infinity).length,
    ...present('detectionMs', detection(affected, startedAt)),
    ...present('taskStallMsMedian', quantile(stalls, 0.5)),
    ...present('taskStallMsMax', quantile(stalls, 1)),
    ...countRework(fault, affected, touched),
  }
}

function present<K extends string>(name: K, value: number | undefined): { readonly [P in K]?: number } {
  return value === undefined || !Number.isFinite(value) ? {} : ({ [name]: value } as { [P in K]?: number })
}

function detection(affected: readonly TaskTrace[], startedAt: number): number | undefined {
  const first = affected.flatMap((task) => failuresSeen(task)).filter((at) => at >= startedAt)
  return first.length === 0 ? undefined : first.reduce((a, b) => Math.min(a, b)) - startedAt
}

function longestStall(task: TaskTrace, seenAt: number, startedAt: number, endedAt: number): number {
  const known = seenAt === Infinity && taskEnd(task)?.reason === 'task-failed' ? task.end!.at : seenAt
  const progress = task.effects.map(({ value }) => value.endedAt).filter((at) => at < known)
  const instants = [task.intent.intendedAt, ...progress.toSorted((a, b) => a - b), known]
  let longest = 0
  for (let i = 1; i < instants.length; i++)
    if (instants[i]! > startedAt && instants[i - 1]! < endedAt)
      longest = Math.max(longest, instants[i]! - instants[i - 1]!)
  return longest
}

function countRework(
  fault: FaultTrace,
  affected: readonly TaskTrace[],
  touched: ReadonlyMap<TaskTrace, readonly FaultTrace[]>,
): { reworkedSteps: number; duplicateEffects: number } {
  let [reworkedSteps, duplicateEffects] = [0, 0]
  for (const task of affected) {
    const before = (at: number): FaultTrace | undefined => touched.get(task)?.findLast(({ armedAt }) => armedAt! <= at)
    const repeated = task.executions.filter((one) => one.repeats && before(one.startedAt) === fault)
    reworkedSteps += repeated.length
    duplicateEffects += countDuplicates(repeated.flatMap((one) => [one.repeats!, one]).filter(unique))
  }
  return { reworkedSteps, duplicateEffects }
}

function unique<T>(item: T, index: number, all: readonly T[]): boolean {
  return all.indexOf(item) === index
}

/** A client's call failed or was repeated, a stream broke or went silent, or another life of an executor took over. */
function failuresSeen(task: TaskTrace): readonly number[] {
  const calls = [...task.submits, ...task.polls].filter(({ type }) => type === 'fail' || type === 'info')
  const again = task.submits.filter(({ type, value }) => type === 'invoke' && value.attempt > 1)
  const ops = [...calls, ...again, ...brokenStreams(task)]
  return [...ops.map(({ at }) => at), ...takeovers(task)]
}

function brokenStreams(task: TaskTrace): TaskTrace['streams'] {
  const terminal = task.events.find(({ value }) => isTerminal(value.status))
  return task.streams.filter(({ index, value }) => {
    if (value.state === 'heartbeat-missed' || value.state === 'fallback') return true
    return value.state === 'closed' && (!terminal || index < terminal.index)
  })
}

function takeovers(task: TaskTrace): readonly number[] {
  const { executions } = task
  return executions
    .filter((one, i) => i > 0 && one.attempt > executions[i - 1]!.attempt)
    .map(({ startedAt }) => startedAt)
}
