import { type Command, describePatch, whatOf } from './commands.ts'
import type { LoggedEvent } from './event.ts'
import type { Operation } from './json-patch.ts'

/** What a line of the log says of an event. */
export function wordsOf({ type, data, attempt }: LoggedEvent): string {
  const say = sentences[type]
  return say ? say(data, attempt) : type
}

type Data = LoggedEvent['data']

const sentences: Readonly<Record<string, (data: Data, attempt: number) => string>> = {
  'task.created': () => 'submitted, and on record',
  'task.started': (data, attempt) => `attempt ${attempt} begins${nextOf(data)}`,
  'task.resumed': (data, attempt) => `attempt ${attempt} goes on where the log ends${nextOf(data)}`,
  'task.progress': (data) => `step ${num(data, 'step')} of ${num(data, 'steps')} done${costOf(data)}${nextOf(data)}`,
  'task.commanded': ({ command }) => `command on record: ${whatOf(command as Command)}`,
  'task.interrupted': ({ reason }) =>
    reason === 'asked' ? 'stands still, as asked' : 'stands still: the budget is exhausted',
  'task.continued': ({ command }) => (command === undefined ? 'goes on: the budget covers the next step' : 'goes on'),
  'task.spawned': (data) => `starts a sub-task before step ${num(data, 'step')}`,
  'task.topped_up': (data) => `${num(data, 'credits')} credits more to spend`,
  'task.command_void': ({ reason }) => `command void: ${String(reason)}`,
  'context.patch': (data) => `memory ${num(data, 'base')} → ${num(data, 'version')}${originOf(data)}: ${patchOf(data)}`,
  'task.cancel_requested': () => 'cancellation asked for',
  'task.completed': () => 'completed',
  'task.failed': (data) => `failed${reasonOf(data)}`,
  'task.cancelled': () => 'cancelled',
  'task.expired': (data) => `expired${reasonOf(data)}`,
  'task.rejected': (data) => `rejected${reasonOf(data)}`,
}

function num(data: Data, name: string): string {
  const value = data[name]
  return typeof value === 'number' ? String(value) : '?'
}

function nextOf({ next }: Data): string {
  return next ? `; next: ${(next as { readonly name: string }).name}` : ''
}

function costOf({ credits }: Data): string {
  return typeof credits === 'number' ? `, ${credits} ${credits === 1 ? 'credit' : 'credits'}` : ''
}

function originOf({ step, command }: Data): string {
  if (command !== undefined) return ' by a command'
  return step === undefined ? '' : ` by step ${step as number}`
}

function patchOf({ patch }: Data): string {
  return describePatch(patch as readonly Operation[])
}

function reasonOf({ reason }: Data): string {
  return typeof reason === 'string' ? `: ${reason}` : ''
}
