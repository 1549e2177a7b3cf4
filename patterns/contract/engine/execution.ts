import type { Plan } from '../../agent/plan.ts'
import * as agent from '../../agent/work.ts'
import { chargeFor, holdFor } from './accounts.ts'
import { afterStep, armDeadline, endingBy, type Progressed, stops } from './after-step.ts'
import { asksBalance, atSafePoint, standsStill } from './control.ts'
import type { TaskEvent } from '../types/events.ts'
import type { Claim, Continuation, Journal } from './journal.ts'
import { KnownLog } from './known-log.ts'
import { resumedEvent, startedEvent } from './log.ts'
import { acceptSpawned, isCancelledAbove, spawnFor, type SubTasks } from './sub-tasks.ts'
import { requestOf } from '../types/fold.ts'
import { grantIn } from '../types/granted.ts'
import { isTerminal } from '../types/task.ts'
import { performAt, type StepWork, type Workplace } from './workplace.ts'

/** Where tasks are executed whose log is a journal. */
export interface JournalPlace extends Workplace {
  readonly journal: Journal
  /** How steps start sub-tasks. */
  readonly subTasks: SubTasks
  /** Where an attempt begins: after which step, with which digest. */
  readonly resumption: (log: readonly TaskEvent[]) => { readonly step: number; readonly digest: string }
  /** Until there may be a command for a task that stands still, or the worker drains. Rejects with the reason of `stop`. */
  readonly untilNews: (taskId: string, stop: AbortSignal) => Promise<void>
}

/** What decides when an execution ends: `stop` cuts a step short, `draining` lets it end. */
interface Ends {
  readonly stop: AbortSignal
  readonly draining: AbortSignal
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
  const log = new KnownLog(claim.log)
  await performSteps(claim, log, place, { stop: stop.signal, draining })
  return log.head
}

async function performSteps(claim: Claim, log: KnownLog, place: JournalPlace, ends: Ends): Promise<void> {
  const { journal, node, timeScale } = place
  const { taskId } = claim
  const { input } = requestOf(claim.log)
  const grant = grantIn(claim.log)
  const plan = agent.plan(input, timeScale)
  const write = (next: Continuation): Promise<void> => journal.append(claim, log, next)
  let done = place.resumption(claim.log)
  let startedFor = 0
  await write(() => openAttempt(log, plan, done.step, node))
  while (!isTerminal(log.head.status) && !ends.draining.aborted) {
    await write(() => beforeStep(log, plan))
    const charge = chargeFor(claim.log[0]!, plan, done.step)
    if (asksBalance(log.control)) {
      const isHeld = await holdFor(place.accounts, charge)
      await write(() => beforeStep(log, plan, isHeld))
    }
    await write(await askAbove(log, place))
    if (standsStill(log.control)) {
      await waitForNews(claim, log, place, ends.stop)
      continue
    }
    if (startedFor < done.step + 1 && (await startSubTasks(claim, log, plan, place))) {
      // That may have taken its time: whether the step may begin is asked again.
      startedFor = done.step + 1
      continue
    }
    const { attempt } = log.head
    const work = { taskId, job: input.job, plan, step: done.step + 1, digest: done.digest, attempt, grant, charge }
    const outcome = await tryStep(work, log, place, ends.stop)
    if (outcome.reread) await journal.refresh(claim, log)
    await write(outcome.next)
    done = { step: work.step, digest: outcome.digest }
  }
}

function openAttempt(log: Progressed, plan: Plan, completed: number, node: string): readonly TaskEvent[] {
  const now = new Date()
  const { head } = log
  if (head.status === 'cancelling') return endingBy(stops.cancel, now)(log)
  if (head.status === 'queued') return [startedEvent(head, plan, node, now)]
  return [resumedEvent(head, plan, { executor: node, completed }, now)]
}

/** A cancellation that came since the last step ends the task before another one begins. */
function beforeStep(log: Progressed, plan: Plan, isHeld?: boolean): readonly TaskEvent[] {
  if (log.head.status === 'cancelling') return endingBy(stops.cancel)(log)
  return isTerminal(log.head.status) ? [] : atSafePoint({ ...log.control, isHeld }, log.head, plan, new Date())
}

/** A task above this one is cancelled, and so is this one. */
async function askAbove(log: Progressed, { subTasks }: JournalPlace): Promise<Continuation> {
  const { task_id, status } = log.head
  const isOver = !isTerminal(status) && (await isCancelledAbove(subTasks, task_id))
  return () => (isOver && !isTerminal(log.head.status) ? endingBy(stops.cancel)(log) : [])
}

/** Before a step: true where it has sub-tasks, which are accepted then, or its task has failed by having too many. */
async function startSubTasks(claim: Claim, log: KnownLog, plan: Plan, place: JournalPlace): Promise<boolean> {
  const { subTasks, journal, timeScale } = place
  if (!plan.steps[log.control.completed]?.spawns) return false
  await journal.append(claim, log, () => spawnFor(log, plan, subTasks.limits, new Date()))
  if (log.head.status === 'running') await acceptSpawned(subTasks, claim.log[0]!, log, timeScale)
  await journal.refresh(claim, log)
  return true
}

/** An agent that stands still keeps its worker: only the log says when it goes on. */
async function waitForNews(claim: Claim, log: KnownLog, place: JournalPlace, stop: AbortSignal): Promise<void> {
  if (isTerminal(log.head.status)) return
  const { journal } = place
  try {
    await place.untilNews(claim.taskId, stop)
    await journal.refresh(claim, log)
  } catch (error) {
    const end = endingBy(error)
    await journal.refresh(claim, log)
    await journal.append(claim, log, () => (isTerminal(log.head.status) ? [] : end(log)))
  }
}

interface Outcome {
  readonly digest: string
  readonly next: Continuation
  /** The log is known to have moved on: the API has asked for the cancellation in it. */
  readonly reread: boolean
}

async function tryStep(work: StepWork, log: Progressed, place: JournalPlace, signal: AbortSignal): Promise<Outcome> {
  const { plan, step, digest } = work
  try {
    const done = await performAt(place, work, signal)
    return { digest: done.digest, next: () => afterStep(log, plan, { step, ...done }), reread: false }
  } catch (error) {
    const end = endingBy(error)
    return { digest, next: () => end(log), reread: error === stops.cancel }
  }
}
