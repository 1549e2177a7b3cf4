import { conclude } from '../analysis/conclusion.ts'
import { controlsOf, hasControl, type LoggedEvent, logOf, momentsOf } from '../analysis/control.ts'
import { type ControlTrace, traceOf } from '../analysis/trace.ts'
import type { Checker } from '../model/checker.ts'

/**
 * A command that was acknowledged is in the task's log once, and has one answer there. Commands are on record in the order of
 * their acknowledgements, and are answered in the order of the record. Put to the test by commands that were acknowledged.
 */
const checker: Checker = {
  name: 'steer-once',
  summary: 'a command that was acknowledged is answered once, in its order',
  judges: 'steer-once',
  isAbout: hasControl('steer', 'budget'),
  check(history) {
    const trace = traceOf(history)
    const steered = controlsOf(trace, 'steer', 'budget').filter((one) => acknowledgedIn(one).length > 0)
    const known = steered.filter((one) => logOf(one) !== undefined)
    const commands = known.flatMap(acknowledgedIn).length
    const unread = steered.filter((one) => logOf(one) === undefined).flatMap(acknowledgedIn).length
    return conclude(trace, {
      judged: commands,
      unit: 'acknowledged commands',
      complaint: 'were lost, or answered twice, or out of order',
      broken: known.map(breachOf).filter((ops) => ops.length > 0),
      excused: unread,
      otherwise: { many: unread, why: 'are of tasks whose log nobody could read' },
      exercise: { times: commands, lacking: 'no command was acknowledged' },
      kind: 'safety',
    })
  },
}
export default checker

function acknowledgedIn(control: ControlTrace): readonly string[] {
  return momentsOf(control, 'acknowledged').flatMap(({ value }) => value.command ?? [])
}

function breachOf(control: ControlTrace): readonly number[] {
  const { op, events } = logOf(control)!
  const wanted = acknowledgedIn(control)
  const recorded = events.flatMap(commandIn).filter((id) => wanted.includes(id))
  const answered = events.flatMap(answerIn).filter((id) => wanted.includes(id))
  if (isSame(recorded, wanted) && isSame(answered, wanted)) return []
  return [...momentsOf(control, 'acknowledged').map(({ index }) => index), op.index]
}

function commandIn({ type, data }: LoggedEvent): readonly string[] {
  const { id } = (data['command'] ?? {}) as { readonly id?: unknown }
  return type === 'task.commanded' && typeof id === 'string' ? [id] : []
}

/** Any event that names a command is its answer, whatever it is called. */
function answerIn({ data }: LoggedEvent): readonly string[] {
  const id = data['command']
  return typeof id === 'string' ? [id] : []
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((id, i) => id === b[i])
}
