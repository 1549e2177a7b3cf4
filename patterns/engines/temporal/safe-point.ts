import type { Plan } from '../../agent/plan.ts'
import { atSafePoint, type Control, controlAfter, openControl } from '../../contract/engine/control.ts'
import { spawnFor } from '../../contract/engine/sub-tasks.ts'
import { command, type Command } from '../../contract/types/command.ts'
import type { TaskEvent } from '../../contract/types/events.ts'
import type { SpawnLimits } from '../../contract/types/settings.ts'
import type { SafePoint, Standing } from './protocol.ts'

export interface Decision {
  readonly standing: Standing
  /** Of the task's log: the sub-tasks that its next step starts. */
  readonly spawned: readonly TaskEvent[]
}

/**
 * How a task stands after a safe point. The kit decides, as it does where a reader makes the answers out of the history: but
 * without the agent's memory, on which nothing here depends, and which no workflow carries along.
 */
export function decide(point: SafePoint, plan: Plan, limits: SpawnLimits): Decision {
  const { created, standing, commands } = point
  const before = controlAt(point)
  const head = { ...created, status: standing.status }
  const answers = atSafePoint(before, head, plan, new Date())
  const control = answers.reduce(controlAfter, before)
  const next = spawnFor({ head: answers.at(-1) ?? head, control }, plan, limits, new Date())
  const { status, waitsFor } = next.reduce(controlAfter, control)
  const failure = [...answers, ...next].find(({ type }) => type === 'task.failed')
  return {
    standing: {
      status,
      taken: standing.taken + commands.length,
      toppedUp: answers.reduce((sum, event) => sum + toppedUpBy(event), standing.toppedUp),
      ...(waitsFor && { waitsFor }),
      ...(failure && { failedFor: String(failure.data['reason']) }),
    },
    spawned: next.filter(({ type }) => type === 'task.spawned'),
  }
}

function controlAt({ created, standing, commands, completed, spent, spawnedAt }: SafePoint): Control {
  const begun = openControl(created)
  return {
    ...begun,
    context: undefined,
    status: standing.status,
    waitsFor: standing.waitsFor,
    pending: commands.flatMap(commandIn),
    creditsLeft: begun.creditsLeft + standing.toppedUp - spent,
    completed,
    paid: completed,
    spawned: spawnedAt.map((step) => ({ ...created, data: { step } })),
  }
}

function toppedUpBy({ type, data }: TaskEvent): number {
  return type === 'task.topped_up' ? (data['credits'] as number) : 0
}

/** Nothing, for a signal that somebody sent past the API and that is no command. */
export function commandIn(signalled: unknown): readonly Command[] {
  const { success, data } = command.safeParse(signalled)
  return success ? [data] : []
}
