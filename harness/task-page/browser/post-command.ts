import type { Command } from '../shown/commands.ts'
import { isPassing } from '../shown/answer.ts'
import { describeProblem, post, taskPath } from './api.ts'
import type { Heard } from './channel.ts'

/** Says a command as a request, once. Where nobody knows what became of it nothing is told: its id makes a repetition the same one. */
export async function sayByPost(taskId: string, command: Command, onAnswer: Heard['onAnswer']): Promise<void> {
  const answer = await post(`${taskPath(taskId)}/commands`, command)
  if (answer.status === 202) onAnswer(command.id)
  else if (!isPassing(answer, 'order')) onAnswer(command.id, describeProblem(answer))
}
