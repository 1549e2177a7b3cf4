import { answerIn, hasWrongAnswer } from '../analysis/command-answers.ts'
import { conclude, doubts } from '../analysis/conclusion.ts'
import {
  commandIn,
  controlsOf,
  hasControl,
  type LoggedEvent,
  logOf,
  mayBeGone,
  momentsOf,
} from '../analysis/control.ts'
import { type CellTrace, type ControlTrace, traceOf } from '../analysis/trace.ts'
import type { Checker } from '../model/checker.ts'

/**
 * A command that was acknowledged is in the task's log once, and has one answer there, after it. Commands are on record in the
 * order of their acknowledgements, and are answered in the order of the record: by what they do, or as void where they do nothing.
 * No other command is on record twice, or has two answers, either, and none that nobody sent. An agent that was seen to stand
 * still begins no step before it is to go on. Excused: what was sent, and never answered. Put to the test by commands that were
 * acknowledged.
 */
const checker: Checker = {
  name: 'steer-once',
  summary: 'a command that was acknowledged is answered once, in its order',
  judges: 'steer-once',
  isAbout: hasControl('steer', 'budget'),
  check(history) {
    const trace = traceOf(history)
    const all = controlsOf(trace, 'steer', 'budget')
    const steered = all.filter((one) => acknowledgedIn(one).length > 0)
    const known = steered.filter((one) => logOf(one) !== undefined)
    const commands = known.flatMap(acknowledgedIn).length
    const unread = steered.filter((one) => logOf(one) === undefined).flatMap(acknowledgedIn).length
    return conclude(trace, {
      judged: commands,
      unit: 'commands',
      complaint: 'were lost, or answered twice, wrongly, or out of order',
      broken: steered
        .map((one) => [...stepsWhileStill(one), ...(known.includes(one) ? breachOf(one) : [])])
        .filter((ops) => ops.length > 0),
      ...doubts(
        [unread, 'are of tasks whose log nobody could read'],
        [all.flatMap((one) => unansweredIn(one, trace)).length, 'were never answered'],
      ),
      exercise: { times: commands, lacking: 'no command was acknowledged' },
      kind: 'safety',
    })
  },
}
export default checker

function acknowledgedIn(control: ControlTrace): readonly string[] {
  return commandsIn(control, 'acknowledged')
}

/** Sent, not on record, and nobody said yes or no. Where the task is gone with its process there was nobody to say it. */
function unansweredIn(control: ControlTrace, trace: CellTrace): readonly string[] {
  const onRecord = logOf(control)?.events.flatMap(commandIn) ?? []
  const heard = new Set([...acknowledgedIn(control), ...commandsIn(control, 'refused'), ...onRecord])
  return mayBeGone(control, trace) ? [] : commandsIn(control, 'ordered').filter((id) => !heard.has(id))
}

function commandsIn(control: ControlTrace, moment: 'ordered' | 'acknowledged' | 'refused'): readonly string[] {
  return momentsOf(control, moment).flatMap(({ value }) => value.command ?? [])
}

function breachOf(control: ControlTrace): readonly number[] {
  const { op, events } = logOf(control)!
  const wanted = acknowledgedIn(control)
  const recorded = events.flatMap(commandIn).filter((id) => wanted.includes(id))
  const answered = events.flatMap(answerIn).filter((id) => wanted.includes(id))
  const isOwed = isSame(recorded, wanted) && isSame(answered, wanted)
  const isOnce = !hasTwice(events, commandIn) && !hasTwice(events, answerIn)
  if (isOwed && isOnce && !hasWrongAnswer(events, control) && !hasUnsent(events, control)) return []
  return [...momentsOf(control, 'acknowledged').map(({ index }) => index), op.index]
}

type Named = (event: LoggedEvent) => readonly string[]

/** Whoever was not told that its command is taken sends it again, and it is the same one. */
function hasTwice(events: readonly LoggedEvent[], named: Named): boolean {
  const ids = events.flatMap(named)
  return new Set(ids).size < ids.length
}

/** Nobody but its client has commands for this task. */
function hasUnsent(events: readonly LoggedEvent[], control: ControlTrace): boolean {
  const sent = new Set(momentsOf(control, 'ordered').map(({ value }) => value.command))
  return events.some((event) => [...commandIn(event), ...answerIn(event)].some((id) => !sent.has(id)))
}

/** Of a task with a budget this is what its budget is for. */
function stepsWhileStill(control: ControlTrace): readonly number[] {
  const still = momentsOf(control, 'seen').find(({ value }) => value.status === 'input_required')
  if (!still || control.probe.kind !== 'steer') return []
  const resumed = momentsOf(control, 'ordered').find(({ value }) => value.type === 'resume')?.at ?? Infinity
  const begun = control.effects.filter(({ value: { startedAt } }) => startedAt > still.at && startedAt < resumed)
  return begun.flatMap(({ index }) => [still.index, index])
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((id, i) => id === b[i])
}
