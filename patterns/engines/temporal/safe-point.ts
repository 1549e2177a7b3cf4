import type { Plan } from '../../agent/plan.ts'
import { atSafePoint, type Control, controlAfter, openControl } from '../../contract/engine/control.ts'
import { command, type Command } from '../../contract/types/command.ts'
import type { SafePoint, Standing } from './protocol.ts'

/**
 * How a task stands after a safe point. The kit decides, as it does where a reader makes the answers out of the history: but
 * without the agent's memory, on which nothing here depends, and which no workflow carries along.
 */
export function decide({ created, standing, commands, completed, spent }: SafePoint, plan: Plan): Standing {
  const begun = openControl(created)
  const control: Control = {
    ...begun,
    context: undefined,
    status: standing.status,
    waitsFor: standing.waitsFor,
    pending: commands.flatMap(commandIn),
    creditsLeft: begun.creditsLeft + standing.toppedUp - spent,
    completed,
    paid: completed,
  }
  const events = atSafePoint(control, { ...created, status: standing.status }, plan, new Date(0))
  const { status, waitsFor } = events.reduce(controlAfter, control)
  const added = events.map(({ type, data }) => (type === 'task.topped_up' ? (data['credits'] as number) : 0))
  const toppedUp = added.reduce((sum, credits) => sum + credits, standing.toppedUp)
  return { status, taken: standing.taken + commands.length, toppedUp, ...(waitsFor && { waitsFor }) }
}

/** Nothing, for a signal that somebody sent past the API and that is no command. */
export function commandIn(signalled: unknown): readonly Command[] {
  const { success, data } = command.safeParse(signalled)
  return success ? [data] : []
}
