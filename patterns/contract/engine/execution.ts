import type { Dispatcher } from 'undici'
import { planTask, type AgentPlan } from '../../agent/plan.ts'
import { performStep, ToolRefusal, type StepDone } from '../../agent/step.ts'
import type { TaskEvent } from '../types/events.ts'
import {
  cancelledEvent,
  completedEvent,
  expiredEvent,
  failedEvent,
  progressEvent,
  requestOf,
  resumedEvent,
  startedEvent,
} from './log.ts'
import { isTerminal } from '../types/task.ts'
import { startTimer, type Timer } from '../types/timer.ts'
import type { Timing } from '../types/timing.ts'
import type { Continuation, Journal } from '../../engines/postgres/journal.ts'
import type { Claim } from '../../engines/postgres/leases.ts'

export interface Workplace {
  readonly node: string
  readonly toolsUrl: string
  readonly dispatcher: Dispatcher
  readonly timeScale: number
  readonly timing: Timing
  readonly journal: Journal
  /** Where an attempt begins: after which step, with which digest. */
  readonly resumption: (log: readonly TaskEvent[]) => { readonly step: number; readonly digest: string }
}

/** Reasons to cut a step short that end the task, unlike the loss of its lease. */
export const stops = { cancel: new Error('cancelled'), expire: new Error('deadline') } as const

/**
 * Run a task from its resumption to its end, one transaction per completed step; returns the last event. Stops after the
 * step in flight when `draining`. `stop` cuts the step short: for one of `stops` the task's end is recorded, for any other
 * reason nothing is. Throws LeaseLost when the task has another owner by now.
 */
export async function execute(
  claim: Claim,
  place: Workplace,
  stop: AbortController,
  draining: AbortSignal,
): Promise<TaskEvent> {
  using _ = armDeadline(claim, stop, place.timeScale)
  return await performSteps(claim, place, stop.signal, draining)
}

async function performSteps(
  claim: Claim,
  place: Workplace,
  stop: AbortSignal,
  draining: AbortSignal,
): Promise<TaskEvent> {
  const { journal, node, timeScale } = place
  const plan = planTask(requestOf(claim.log).input, timeScale)
  let done = place.resumption(claim.log)
  let head = await journal.append(claim, claim.log.at(-1)!, (last) => [openAttempt(last, plan, done.step, node)])
  while (!isTerminal(head.status) && !draining.aborted) {
    const ahead = { plan, step: done.step + 1, digest: done.digest }
    const outcome = await tryStep(claim, head, ahead, place, stop)
    head = await journal.append(claim, outcome.reread ? await journal.head(claim, head) : head, outcome.next)
    done = { step: ahead.step, digest: outcome.digest }
  }
  return head
}

/** The deadline counts from the task's creation, whoever executes it. */
function armDeadline({ log }: Claim, stop: AbortController, timeScale: number): Timer | undefined {
  const seconds = requestOf(log).deadline_s
  if (seconds === undefined) return undefined
  const endsAt = Date.parse(log[0]!.time) + (seconds * 1000) / timeScale
  return startTimer(() => stop.abort(stops.expire), Math.max(0, endsAt - Date.now()))
}

/** The first event of this attempt. */
function openAttempt(last: TaskEvent, plan: AgentPlan, completed: number, node: string): TaskEvent {
  const now = new Date()
  if (last.status === 'cancelling') return cancelledEvent(last, now)
  return last.status === 'queued' ? startedEvent(last, plan, node, now) : resumedEvent(last, plan, node, completed, now)
}

interface Ahead {
  readonly plan: AgentPlan
  readonly step: number
  readonly digest: string
}

interface Outcome {
  readonly digest: string
  readonly next: Continuation
  /** The log is known to have moved on: the API has asked for the cancellation in it. */
  readonly reread?: boolean
}

async function tryStep(
  claim: Claim,
  head: TaskEvent,
  { plan, step, digest }: Ahead,
  { node, ...place }: Workplace,
  signal: AbortSignal,
): Promise<Outcome> {
  const { job } = requestOf(claim.log).input
  const context = { ...place, taskId: claim.taskId, job, attempt: head.attempt, executor: node, signal }
  try {
    const done = await performStep(plan, step, digest, context)
    return { digest: done.digest, next: (last) => afterStep(last, plan, step, done) }
  } catch (error) {
    return { digest, ...endedBy(error) }
  }
}

/** How a task ends whose step did not; rethrows what is no end of a task. */
function endedBy(error: unknown): Pick<Outcome, 'next' | 'reread'> {
  if (error === stops.cancel) return { next: (last) => [cancelledEvent(last, new Date())], reread: true }
  if (error === stops.expire) return { next: (last) => [expiredEvent(last, 'the deadline has passed', new Date())] }
  if (error instanceof ToolRefusal) return { next: (last) => [failedEvent(last, error.message, new Date())] }
  throw error
}

/** A completed step is recorded even when the task is being cancelled; a task whose last step is done is completed. */
function afterStep(last: TaskEvent, plan: AgentPlan, step: number, done: StepDone): readonly TaskEvent[] {
  const now = new Date()
  const progress = progressEvent(last, plan, { step, ...done }, now)
  if (step === plan.steps.length) return [progress, completedEvent(progress, { digest: done.digest, steps: step }, now)]
  return last.status === 'cancelling' ? [progress, cancelledEvent(progress, now)] : [progress]
}
