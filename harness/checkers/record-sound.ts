import { resolutionMs } from '../core/numbers.ts'
import { contradictingCallbacks } from '../analysis/callback-contradictions.ts'
import { contradictingControls } from '../analysis/control-contradictions.ts'
import {
  contradictingHealth,
  contradictingIntents,
  contradictingResults,
  contradictionOf,
  disorderOf,
  type Impossible,
} from '../analysis/contradictions.ts'
import { contradictingFaults } from '../analysis/fault-contradictions.ts'
import { contradictingNodes } from '../analysis/node-contradictions.ts'
import type { History, Op, Phase, TaskEnd } from '../model/history.ts'
import { type CellTrace, taskEnd, type TaskTrace, traceOf } from '../analysis/trace.ts'
import type { Checker } from '../model/checker.ts'

/**
 * The record can be true. Nothing of a task is seen before it was due to be sent. No effect ends before it starts, or
 * is known before it ends. No right result comes sooner than the work lasts. Deadlines are the planned ones. No two
 * tasks have one place in the load, and all are of one kind of work. Clients ask only for their own tasks, and know nothing
 * before they were told. Each command is sent and answered once, in this order. Faults are
 * those of the plan, and ended the nodes that they are proven to have ended. Phases and faults follow each other in a
 * possible order. Where it cannot, the harness, or who edited its record, is wrong, and no system.
 */
const checker: Checker = {
  name: 'record-sound',
  summary: 'the record holds no time that is impossible',
  invalidates: true,
  check(history) {
    const trace = traceOf(history)
    const tasks = trace.tasks.flatMap((task) => impossibleTime(task, trace))
    const faults = history.filter((op) => op.f === 'fault')
    const impossible = [
      ...tasks,
      ...contradictingIntents(trace),
      ...impossibleOrder(trace),
      ...impossibleParts(history, trace),
      ...contradictingFaults(trace, faults),
      ...contradictingNodes(trace),
      ...contradictingResults(trace),
      ...contradictingCallbacks(trace),
      ...contradictingHealth(trace),
      ...contradictingControls(trace),
    ]
    const counts = { tasks: trace.tasks.length, impossible: impossible.length }
    const witnesses = [...new Set(impossible.flatMap(({ ops }) => ops))].slice(0, 20)
    const [first, second] = impossible
    if (first) {
      const more = second ? ` and ${impossible.length - 1} more` : ''
      return { status: 'fail', summary: `the record is impossible: ${first.text}${more}`, counts, witnesses }
    }
    if (!trace.complete)
      return { status: 'unknown', summary: 'the history ends before the cell did', counts, witnesses: [] }
    return { status: 'pass', summary: `${trace.tasks.length} tasks, all at possible times`, counts, witnesses: [] }
  },
}
export default checker

/** The first thing of a task that cannot be. */
function impossibleTime(task: TaskTrace, trace: CellTrace): readonly Impossible[] {
  const found =
    cutInWhole(task, trace) ??
    deadlines(task, trace) ??
    beforeIntended(task) ??
    effects(task) ??
    tooSoon(task) ??
    unfinished(task) ??
    contradictionOf(task) ??
    disorderOf(task)
  return found ? [{ ...found, text: `${task.task}: ${found.text}` }] : []
}

/** What is cut counts for nothing: in a cell that came to its end nothing may be. */
function cutInWhole(task: TaskTrace, { complete }: CellTrace): Impossible | undefined {
  if (!complete || taskEnd(task)?.reason !== 'cut') return undefined
  return { text: 'it was cut by an interruption, and the cell came to its end', ops: [task.end!.index] }
}

function deadlines({ intent, invoke }: TaskTrace, { cell }: CellTrace): Impossible | undefined {
  if (!cell) return undefined
  const { intendedAt, idealMs, deadlineAt, giveUpAt } = intent
  const wanted = [intendedAt + idealMs + cell.graceMs, intendedAt + idealMs + 2 * cell.graceMs] as const
  const isOff = (ms: number, planned: number): boolean => Math.abs(ms - planned) > resolutionMs
  if (!isOff(deadlineAt, wanted[0]) && !isOff(giveUpAt, wanted[1])) return undefined
  return { text: `its deadlines are not its intended start, its work and the cell's grace`, ops: [invoke.index] }
}

/** Everything that is about it, and the starts of its steps, which other processes measured on the same clock. */
function beforeIntended(task: TaskTrace): Impossible | undefined {
  const limit = task.intent.intendedAt - resolutionMs
  const { submits, polls, streams, events, callbacks, effects, finals, invoke, end } = task
  const isEarly = ({ at }: { readonly at: number }): boolean => at < limit
  if (isEarly(invoke)) return early(task, invoke.at, 'it was sent', invoke.index)
  for (const ops of [submits, polls, streams, events, callbacks, effects, finals]) {
    const op = (ops as readonly Op[]).find(isEarly)
    if (op) return early(task, op.at, `a ${op.f} was seen`, op.index)
  }
  const begun = effects.find(({ value }) => value.startedAt < limit)
  if (begun) return early(task, begun.value.startedAt, 'a step began', begun.index)
  const [sent] = submits
  const unsent = sent && effects.find(({ value }) => value.startedAt < sent.at - resolutionMs)
  if (unsent) return { text: 'a step began before the task was submitted', ops: [sent.index, unsent.index] }
  return end && isEarly(end) ? early(task, end.at, 'its end was seen', end.index) : undefined
}

function early({ intent, invoke }: TaskTrace, at: number, what: string, index: number): Impossible {
  const aheadMs = (intent.intendedAt - at).toFixed(1)
  return { text: `${what} ${aheadMs} ms before its intended start`, ops: [...new Set([invoke.index, index])] }
}

function effects(task: TaskTrace): Impossible | undefined {
  const backwards = task.effects.find(({ value }) => value.endedAt < value.startedAt - resolutionMs)
  if (backwards) return { text: `step ${backwards.value.step} ended before it started`, ops: [backwards.index] }
  const foreseen = task.effects.find(({ at, value }) => at < value.endedAt - resolutionMs)
  if (!foreseen) return undefined
  return { text: `the ledger had step ${foreseen.value.step} before that ended`, ops: [foreseen.index] }
}

/** A result without all of its effects is a broken promise of the system, and no flaw of the record. */
function tooSoon(task: TaskTrace): Impossible | undefined {
  const { intent, effects, callbacks } = task
  const own = task.end?.type === 'ok' && taskEnd(task)?.digest === intent.expectedDigest ? task.end : undefined
  const end =
    callbacks.find(({ at, value }) => value.digest === intent.expectedDigest && at < (own?.at ?? Infinity)) ?? own
  if (!end) return undefined
  const doneAt = new Map<number, number>()
  for (const { at, value } of effects)
    if (value.step <= intent.steps) doneAt.set(value.step, Math.min(doneAt.get(value.step) ?? Infinity, at))
  if (doneAt.size < intent.steps) return undefined
  const possibleAt = Math.max(intent.intendedAt + intent.idealMs, ...doneAt.values())
  if (end.at >= possibleAt - resolutionMs) return undefined
  const aheadMs = (possibleAt - end.at).toFixed(1)
  return { text: `its result was seen ${aheadMs} ms before it could be there`, ops: [end.index] }
}

/** The client takes nothing but a completed task for a result. */
function unfinished({ end }: TaskTrace): Impossible | undefined {
  const status = end?.type === 'ok' ? (end.value as TaskEnd).status : undefined
  if (!end || status === undefined || status === 'completed') return undefined
  return { text: `its client took a ${status} task for a result`, ops: [end.index] }
}

const order: readonly Phase[] = ['load', 'heal', 'drain', 'final', 'end']

/** A value that occurs once or comes from the plan, and that the record contradicts. */
function impossibleParts(history: History, { cell, tasks, faults, strays }: CellTrace): readonly Impossible[] {
  const found: Impossible[] = []
  const unmeant = strays.find(({ f }) => f === 'submit')
  if (unmeant)
    found.push({ text: `${unmeant.task}, which is no task of the load, was submitted`, ops: [unmeant.index] })
  const ordinals = new Set(tasks.map(({ intent }) => intent.ordinal))
  if (ordinals.size < tasks.length) found.push({ text: 'two tasks have the same place in the load', ops: [] })
  const measured = history.filter(({ f }) => f === 'health').map(({ index }) => index)
  if (measured.length > 1) found.push({ text: 'the harness measured itself twice', ops: measured })
  const planned = new Map(cell?.faults.map(({ id, fault }) => [id, fault]))
  const strange = cell && faults.find(({ id, fault }) => planned.get(id) !== fault)
  if (strange) found.push({ text: `no fault ${strange.fault} (${strange.id}) was planned`, ops: [...strange.ops] })
  return found
}

function impossibleOrder({ phases, faults }: CellTrace): readonly Impossible[] {
  const entered = order.filter((phase) => phases.has(phase))
  const early = entered.find((phase, i) => i > 0 && phases.get(phase)! < phases.get(entered[i - 1]!)!)
  const backwards = faults.filter(
    ({ armedAt, healedAt }) => armedAt !== undefined && healedAt! < armedAt - resolutionMs,
  )
  return [
    ...(early ? [{ text: `the phase ${early} begins before the one that precedes it`, ops: [] }] : []),
    ...backwards.map(({ id, ops }) => ({ text: `fault ${id} was healed before it took effect`, ops: [...ops] })),
  ]
}
