import { canonical } from '../types/canonical.ts'
import type { Command } from '../types/command.ts'
import type { Commanded, TaskEvent } from '../types/events.ts'
import { requestOf } from '../types/fold.ts'
import { ProblemError } from '../types/problems.ts'
import { isTerminal } from '../types/task.ts'

/** Whether the log has this command. Throws the problem `command-id-reused` where its id belongs to another one. */
export function isOnRecord(log: readonly TaskEvent[], command: Command): boolean {
  const known = commandsIn(log).find(({ id }) => id === command.id)
  if (known) requireSame(known, command, log[0]!.task_id)
  return known !== undefined
}

/** Throws the problem `command-id-reused` where a command of this id is not the one that is `known` by it. */
export function requireSame(known: Command, command: Command, taskId: string): void {
  if (canonical(known) !== canonical(command)) throw idReused(taskId, command)
}

/** The problem of a command whose id belongs to another one of its task. */
export function idReused(taskId: string, { id }: Command): ProblemError {
  return new ProblemError('command-id-reused', `the id ${id} came with another command`, taskId)
}

/** Every command on record, in order. */
export function commandsIn(log: readonly TaskEvent[]): readonly Command[] {
  return log.flatMap(({ type, data }) => (type === 'task.commanded' ? [(data as unknown as Commanded).command] : []))
}

/** Throws a problem where this task takes no such command, now or ever. */
export function requireTakes(log: readonly TaskEvent[], { type }: Command): void {
  const { status, task_id } = log.at(-1)!
  const { memory, budget } = requestOf(log)
  if (isTerminal(status) || status === 'cancelling')
    throw new ProblemError('task-ended', `the task is ${status}: it takes no commands`, task_id)
  if (type === 'steer' && !memory) throw new ProblemError('validation', 'the task has no memory to steer by', task_id)
  if (type === 'top_up' && !budget) throw new ProblemError('validation', 'the task has no budget to top up', task_id)
}
