import type { Dispatcher } from 'undici'
import type { AgentPlan } from '../../agent/plan.ts'
import { performStep, type StepDone, ToolRefusal } from '../../agent/step.ts'
import type { TaskEvent } from '../../contract/types/events.ts'
import {
  completedEvent,
  completedSteps,
  expiredEvent,
  failedEvent,
  progressEvent,
  requestOf,
  resumedEvent,
  startedEvent,
} from '../../contract/engine/log.ts'
import { startTimer } from '../../contract/types/timer.ts'
import type { Timing } from '../../contract/types/timing.ts'
import type { Advance } from './protocol.ts'

/** Where steps are performed. */
export interface Workplace {
  readonly node: string
  readonly toolsUrl: string
  readonly dispatcher: Dispatcher
  readonly timeScale: number
  readonly timing: Timing
}

/** How far a task has come, by what is recorded; `run` is this run of its workflow, `owner` the one recorded last. */
export interface Progressing {
  readonly plan: AgentPlan
  readonly log: readonly TaskEvent[]
  readonly owner: string | undefined
  readonly run: string
}

const deadlinePassed = new Error('the deadline has passed')

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
  { node, timeScale, ...place }: Workplace,
  cancelled: AbortSignal,
): Promise<readonly TaskEvent[]> {
  const { step, digest } = completedSteps(log)
  using deadline = armDeadline(log, timeScale)
  const signal = AbortSignal.any([cancelled, deadline.signal])
  const { job } = requestOf(log).input
  const context = { ...place, taskId: head.task_id, job, attempt: head.attempt, executor: node, signal }
  try {
    return afterStep(head, plan, step + 1, await performStep(plan, step + 1, digest, context))
  } catch (error) {
    return [endedBy(error, head)]
  }
}

function afterStep(head: TaskEvent, plan: AgentPlan, step: number, done: StepDone): readonly TaskEvent[] {
  const now = new Date()
  const progress = progressEvent(head, plan, { step, ...done }, now)
  if (step < plan.steps.length) return [progress]
  return [progress, completedEvent(progress, { digest: done.digest, steps: step }, now)]
}

/** How a task ends whose step did not; rethrows what is no end of a task, or is the library's to record. */
function endedBy(error: unknown, head: TaskEvent): TaskEvent {
  if (error === deadlinePassed) return expiredEvent(head, deadlinePassed.message, new Date())
  if (error instanceof ToolRefusal) return failedEvent(head, error.message, new Date())
  throw error
}

/** The deadline counts from the task's creation, whoever performs it. */
function armDeadline(log: readonly TaskEvent[], timeScale: number): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController()
  const seconds = requestOf(log).deadline_s
  const endsAt = seconds === undefined ? undefined : Date.parse(log[0]!.time) + (seconds * 1000) / timeScale
  const passed = (): void => controller.abort(deadlinePassed)
  const timer = endsAt === undefined ? undefined : startTimer(passed, Math.max(0, endsAt - Date.now()))
  return { signal: controller.signal, [Symbol.dispose]: () => timer?.cancel() }
}
