import { isTerminal } from '../../patterns/contract/types/task.ts'
import { commandIn, type LoggedEvent, momentsOf } from './control.ts'
import type { ControlTrace } from './trace.ts'

/** What a command of each type is answered by where it is carried out. */
const carriedOut: Readonly<Record<string, string>> = {
  interrupt: 'task.interrupted',
  resume: 'task.continued',
  steer: 'context.patch',
  top_up: 'task.topped_up',
}

/** Any event that names a command is its answer, whatever it is called. */
export function answerIn({ data }: LoggedEvent): readonly string[] {
  const id = data['command']
  return typeof id === 'string' ? [id] : []
}

/**
 * Whether a log has a command before its answer, and answers it by what such a command does, or as void where that may be. The
 * commands of a probe are those that have their effect: a void one is right where the agent has stopped, or has not, or ends.
 */
export function hasWrongAnswer(events: readonly LoggedEvent[], control: ControlTrace): boolean {
  const typeOf = new Map(momentsOf(control, 'ordered').map(({ value }) => [value.command, value.type]))
  const recordedAt = new Map(events.flatMap((event, i) => commandIn(event).map((id) => [id, i] as const)))
  return events.some((event, i) =>
    answerIn(event).some((id) => {
      const type = typeOf.get(id)
      if ((recordedAt.get(id) ?? -1) > i) return true
      if (type === undefined || event.type === carriedOut[type]) return false
      return event.type !== 'task.command_void' || !mayBeVoid(type, events, i)
    }),
  )
}

function mayBeVoid(type: string, events: readonly LoggedEvent[], i: number): boolean {
  if (events[i]!.status === 'cancelling' || endsAt(events, i)) return true
  const stopped = stoppedFor(events.slice(0, i))
  if (type === 'interrupt') return stopped === 'asked'
  return type === 'resume' && stopped !== 'asked'
}

/** Nothing follows but other void answers, and the end, if the log has it. */
function endsAt(events: readonly LoggedEvent[], i: number): boolean {
  const next = events.slice(i + 1).find(({ type }) => type !== 'task.command_void')
  return !next || isTerminal(next.status as Parameters<typeof isTerminal>[0])
}

/** Why the agent stands still after these events; undefined: it does not. */
function stoppedFor(events: readonly LoggedEvent[]): unknown {
  const last = events.findLast(({ type, status }) => type === 'task.interrupted' || status !== 'input_required')
  return last?.type === 'task.interrupted' ? last.data['reason'] : undefined
}
