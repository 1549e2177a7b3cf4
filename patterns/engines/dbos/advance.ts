import type { AgentPlan } from '../../agent/plan.ts'
import { afterStep, endingBy } from '../../contract/engine/after-step.ts'
import { armDeadline } from '../../contract/engine/deadline.ts'
import type { TaskEvent } from '../../contract/types/events.ts'
import { completedSteps, requestOf } from '../../contract/types/fold.ts'
import { resumedEvent, startedEvent } from '../../contract/engine/log.ts'
import { performAt, type Workplace } from '../../contract/engine/workplace.ts'
import type { Advance } from './protocol.ts'

/** How far a task has come, by what is recorded; `run` is this run of its workflow, `owner` the one recorded last. */
export interface Progressing {
  readonly plan: AgentPlan
  readonly log: readonly TaskEvent[]
  readonly owner: string | undefined
  readonly run: string
}

/**
 * What happens inside a step of the library and is not replayed: one advance of the task. A run that finds an advance of
 * another one records `resumed` first, as a new attempt, before anything is done again. Rejects with the reason of `cancelled`.
 */
export async function advance(task: Progressing, place: Workplace, cancelled: AbortSignal): Promise<Advance> {
  const { plan, log, owner, run } = task
  const head = log.at(-1)!
  const now = new Date()
  if (head.status === 'queued') return { run, events: [startedEvent(head, plan, place.node, now)] }
  if (owner === run) return { run, events: await performNext(task, head, place, cancelled) }
  return { run, events: [resumedEvent(head, plan, place.node, completedSteps(log).step, now)] }
}

/** Follows from what is recorded, as the library demands of a step's name. */
export function nameOf({ plan, log }: Progressing): string {
  return log.length === 1 ? 'start' : plan.steps[completedSteps(log).step]!.name
}

async function performNext(
  { plan, log }: Progressing,
  head: TaskEvent,
  place: Workplace,
  cancelled: AbortSignal,
): Promise<readonly TaskEvent[]> {
  const { step: completed, digest } = completedSteps(log)
  const stop = new AbortController()
  using _deadline = armDeadline(log, place.timeScale, stop)
  const { job } = requestOf(log).input
  const work = { taskId: head.task_id, job, plan, step: completed + 1, digest, attempt: head.attempt }
  try {
    const done = await performAt(place, work, AbortSignal.any([cancelled, stop.signal]))
    return afterStep(head, plan, { step: work.step, ...done })
  } catch (error) {
    return [endingBy(error)(head)]
  }
}
