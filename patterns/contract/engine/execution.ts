import type { Plan } from '../../agent/plan.ts'
import * as agent from '../../agent/work.ts'
import { afterStep, endingBy, stops, armDeadline } from './after-step.ts'
import type { TaskEvent } from '../types/events.ts'
import type { Claim, Continuation, Journal } from './journal.ts'
import { cancelledEvent, resumedEvent, startedEvent } from './log.ts'
import { requestOf } from '../types/fold.ts'
import { grantIn } from '../types/grant.ts'
import { isTerminal } from '../types/task.ts'
import { performAt, type StepWork, type Workplace } from './workplace.ts'

/** Where tasks are executed whose log is a journal. */
export interface JournalPlace extends Workplace {
  readonly journal: Journal
  /** Where an attempt begins: after which step, with which digest. */
  readonly resumption: (log: readonly TaskEvent[]) => { readonly step: number; readonly digest: string }
}

/**
 * Run a task from its resumption to its end, one append per completed step; returns the last event. Stops after the
 * step in flight when `draining`. `stop` cuts the step short: for one of `stops` the task's end is recorded, for any other
 * reason nothing is. Throws LeaseLost when the task has another owner by now.
 */
export async function execute(
  claim: Claim,
  place: JournalPlace,
  stop: AbortController,
  draining: AbortSignal,
): Promise<TaskEvent> {
  using _ = armDeadline(claim.log, place.timeScale, stop)
  return await performSteps(claim, place, stop.signal, draining)
}

async function performSteps(
  claim: Claim,
  place: JournalPlace,
  stop: AbortSignal,
  draining: AbortSignal,
): Promise<TaskEvent> {
  const { journal, node, timeScale } = place
  const { taskId } = claim
  const { input } = requestOf(claim.log)
  const grant = grantIn(claim.log)
  const plan = agent.plan(input, timeScale)
  let done = place.resumption(claim.log)
  let head = await journal.append(claim, claim.log.at(-1)!, (last) => [openAttempt(last, plan, done.step, node)])
  while (!isTerminal(head.status) && !draining.aborted) {
    const { attempt } = head
    const work = { taskId, job: input.job, plan, step: done.step + 1, digest: done.digest, attempt, grant }
    const outcome = await tryStep(work, place, stop)
    head = await journal.append(claim, outcome.reread ? await journal.head(claim, head) : head, outcome.next)
    done = { step: work.step, digest: outcome.digest }
  }
  return head
}

function openAttempt(last: TaskEvent, plan: Plan, completed: number, node: string): TaskEvent {
  const now = new Date()
  if (last.status === 'cancelling') return cancelledEvent(last, now)
  return last.status === 'queued'
    ? startedEvent(last, plan, node, now)
    : resumedEvent(last, plan, { executor: node, completed }, now)
}

interface Outcome {
  readonly digest: string
  readonly next: Continuation
  /** The log is known to have moved on: the API has asked for the cancellation in it. */
  readonly reread: boolean
}

async function tryStep(work: StepWork, place: JournalPlace, signal: AbortSignal): Promise<Outcome> {
  const { plan, step, digest } = work
  try {
    const done = await performAt(place, work, signal)
    return { digest: done.digest, next: (last) => afterStep(last, plan, { step, ...done }), reread: false }
  } catch (error) {
    const end = endingBy(error)
    return { digest, next: (last) => [end(last)], reread: error === stops.cancel }
  }
}
