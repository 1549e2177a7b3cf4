import { isTerminal, type LoggedEvent } from './event.ts'
import type { Operation } from './json-patch.ts'

/** What a person has the agent do: the body of a command in the contract. */
export type Command =
  | { readonly id: string; readonly type: 'interrupt' | 'resume' }
  | { readonly id: string; readonly type: 'steer'; readonly patch: readonly Operation[] }
  | { readonly id: string; readonly type: 'top_up'; readonly credits: number }

/**
 * How far a command is. Sent: nobody has said anything yet, and it is said again. Acknowledged: it is on record, and its answer
 * comes at the agent's next safe point. Applied and void are answers. Refused: it is not on record.
 */
export type Stage = 'sent' | 'acknowledged' | 'applied' | 'void' | 'refused'

export interface CommandRow {
  readonly id: string
  readonly what: string
  readonly stage: Stage
  /** Why it is void or refused. */
  readonly reason: string | undefined
  /** It was sent by this page, and not by another one. */
  readonly isOwn: boolean
}

/** A command that this page sent, and what its connection has said of it. */
export interface SentCommand {
  readonly command: Command
  readonly stage: 'sent' | 'acknowledged' | 'refused'
  readonly reason?: string
}

/** Every command of a task: those on record in their order, then those of this page that are not. The log has the last word. */
export function commandRows(log: readonly LoggedEvent[], sent: readonly SentCommand[]): readonly CommandRow[] {
  const own = new Set(sent.map(({ command }) => command.id))
  const recorded = log.flatMap(({ type, data }) => (type === 'task.commanded' ? [data['command'] as Command] : []))
  const known = new Set(recorded.map(({ id }) => id))
  const answers = new Map(log.filter(isAnswer).map((event) => [event.data['command'] as string, event]))
  return [
    ...recorded.map((command) => recordedRow(command, answers.get(command.id), own.has(command.id))),
    ...sent.filter(({ command }) => !known.has(command.id)).map(sentRow),
  ]
}

function isAnswer({ type, data }: LoggedEvent): boolean {
  return type !== 'task.commanded' && typeof data['command'] === 'string'
}

function recordedRow(command: Command, answer: LoggedEvent | undefined, isOwn: boolean): CommandRow {
  const isVoid = answer?.type === 'task.command_void'
  const stage = isVoid ? 'void' : answer ? 'applied' : 'acknowledged'
  const reason = isVoid ? String(answer.data['reason']) : undefined
  return { id: command.id, what: whatOf(command), stage, reason, isOwn }
}

function sentRow({ command, stage, reason }: SentCommand): CommandRow {
  return { id: command.id, what: whatOf(command), stage, reason, isOwn: true }
}

/** A command in words. */
export function whatOf(command: Command): string {
  if (command.type === 'top_up') return `top up by ${command.credits} ${command.credits === 1 ? 'credit' : 'credits'}`
  return command.type === 'steer' ? `steer: ${describePatch(command.patch)}` : command.type
}

/** A patch in one line: what is done where. */
export function describePatch(patch: readonly Operation[]): string {
  return patch
    .map(({ op, path, from }) => (from === undefined ? `${op} ${path}` : `${op} ${from} to ${path}`))
    .join(', ')
}

/** A cancellation as a row: it has no id, and its answer is the task's end. Undefined: nobody asked for one. */
export function cancelRow(log: readonly LoggedEvent[], asked: 'no' | 'sent' | 'acknowledged'): CommandRow | undefined {
  const isRecorded = log.some(({ type }) => type === 'task.cancel_requested')
  if (!isRecorded && asked === 'no') return undefined
  const row = { id: 'cancel', what: 'cancel', reason: undefined, isOwn: asked !== 'no' }
  const { status = '' } = log.at(-1) ?? {}
  if (status === 'cancelled') return { ...row, stage: 'applied' }
  if (isTerminal(status)) return { ...row, stage: 'void', reason: `the task was ${status} before it stopped` }
  return { ...row, stage: isRecorded || asked === 'acknowledged' ? 'acknowledged' : 'sent' }
}
