import { randomUUID } from 'node:crypto'
import { DBOS } from '@dbos-inc/dbos-sdk'
import * as agent from '../../agent/work.ts'
import type { WorkPlan } from '../../contract/engine/workplace.ts'
import type { CallbackAttempt } from '../../contract/types/callback.ts'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import { requestOf, completedSteps } from '../../contract/types/fold.ts'
import { grantIn } from '../../contract/types/granted.ts'
import { postCallback } from '../../contract/engine/post-callback.ts'
import { isTerminal } from '../../contract/types/task.ts'
import { type Workplace, performAt } from '../../contract/engine/workplace.ts'
import { type Accepted, callbackOf, queueName, workflows, type Advance } from './protocol.ts'
import { afterStep, endingBy, armDeadline, stops } from '../../contract/engine/after-step.ts'
import { acceptSpawned, isCancelledAbove, spawnFor, type SubTasks } from '../../contract/engine/sub-tasks.ts'
import { commandsIn } from '../../contract/engine/commands.ts'
import { type Charge, chargeFor, holdFor } from '../../contract/engine/accounts.ts'
import {
  asksBalance,
  atSafePoint,
  type Control,
  controlAfter,
  openControl,
  standsStill,
} from '../../contract/engine/control.ts'
import type { TaskEvent } from '../../contract/types/events.ts'
import { resumedEvent, startedEvent } from '../../contract/engine/log.ts'
import { commandedBy, type Letter, type Mailbox } from './mailbox.ts'

/** Where tasks are executed. */
export interface ExecutorPlace extends Workplace {
  readonly mailbox: Mailbox
  /** What is asked for before a step of a sub-task, and how many a step may start. */
  readonly family: Omit<SubTasks, 'accept'>
}

export interface WorkflowParts {
  readonly place: ExecutorPlace
  /** Workflows that this process has in hand, by run. */
  readonly inHand: Map<string, string>
  /** Followers may find something new. */
  readonly announce: (taskId: string) => void
  readonly post: (taskId: string, earlier: readonly CallbackAttempt[]) => Promise<CallbackAttempt>
}

/**
 * The three workflows, before the library is launched. After a crash it calls them again from the beginning and answers
 * recorded steps from its tables. So everything in here follows from input and recorded results; what touches the world
 * is in `advance` and `post`.
 */
export function registerWorkflows({ place, inHand, announce, post }: WorkflowParts): void {
  const holding = heldIn(inHand)

  const callback = DBOS.registerWorkflow(
    holding(async (_run, taskId: string) => postUntilDone(taskId, post)),
    { name: workflows.callback },
  )
  const oweCallback = async (taskId: string): Promise<void> => {
    const owe = DBOS.startWorkflow(callback, { workflowID: callbackOf(taskId), queueName })
    await withFaultPoints('dbos.owe', () => owe(taskId))
  }

  async function performTask(run: string, accepted: Accepted): Promise<void> {
    const { created } = accepted
    const request = requestOf([created])
    const plan = agent.plan(request.input, place.timeScale)
    let task: Progressing = { plan, log: [created], control: openControl(created), owner: undefined, run }
    while (!isTerminal(task.log.at(-1)!.status)) {
      const from = task
      const step = () => advance(from, place, DBOS.stepStatus!.cancelSignal)
      const added = await withFaultPoints('dbos.step', () => DBOS.runStep(step, { name: nameOf(from) }))
      task = afterAdvance(from, added)
      if (added.events.some(({ type }) => type === 'task.spawned'))
        await acceptSpawned(subTasks, created, task, place.timeScale)
      announce(created.task_id)
    }
    if (request.delivery) await oweCallback(created.task_id)
  }

  /** Also started for a task that has ended by itself meanwhile: then its callback has been started, and is not again. */
  async function cancelTask(_run: string, taskId: string, owesCallback: boolean): Promise<void> {
    await withFaultPoints('dbos.end', () => DBOS.cancelWorkflow(taskId))
    announce(taskId)
    if (owesCallback) await oweCallback(taskId)
  }

  const taskWorkflow = DBOS.registerWorkflow(holding(performTask), { name: workflows.task })
  /** A child workflow, which the library starts once under its id, and leaves alone when its parent is cancelled. */
  const accept: SubTasks['accept'] = ({ taskId, created, fingerprint }) =>
    DBOS.startWorkflow(taskWorkflow, { workflowID: taskId, queueName })({ created, fingerprint })
  const subTasks = { ...place.family, accept }
  DBOS.registerWorkflow(holding(cancelTask), { name: workflows.cancellation })
}

/** Each attempt is a recorded step, and so is the wait for the next: a schedule survives every crash. */
async function postUntilDone(taskId: string, post: WorkflowParts['post']): Promise<void> {
  const attempt = (earlier: readonly CallbackAttempt[]) =>
    withFaultPoints('dbos.post', () => DBOS.runStep(() => post(taskId, earlier), { name: 'post' }))
  await postCallback(attempt, (delayMs) => DBOS.sleepms(delayMs))
}

/** Gives every run a name of its own, which is not recorded, and keeps it in `inHand` while it lasts. */
function heldIn(inHand: Map<string, string>) {
  return <Input extends unknown[]>(perform: (run: string, ...input: Input) => Promise<void>) =>
    async (...input: Input): Promise<void> => {
      const run = randomUUID()
      inHand.set(run, DBOS.workflowID!)
      try {
        await perform(run, ...input)
      } finally {
        inHand.delete(run)
      }
    }
}

/** How far a task has come, by what is recorded; `run` is this run of its workflow, `owner` the one recorded last. */
export interface Progressing {
  readonly plan: WorkPlan
  readonly log: readonly TaskEvent[]
  /** Of the log: folded along with it, as one of thousands of events would cost too much at each step. */
  readonly control: Control
  readonly owner: string | undefined
  readonly run: string
}

export function afterAdvance(task: Progressing, { run, events }: Advance): Progressing {
  return { ...task, log: [...task.log, ...events], control: events.reduce(controlAfter, task.control), owner: run }
}

/**
 * What happens inside a step of the library and is not replayed: one advance of the task. A run that finds an advance of
 * another one records `resumed` first, as a new attempt, before anything is done again. Rejects with the reason of `cancelled`.
 */
export async function advance(task: Progressing, place: ExecutorPlace, cancelled: AbortSignal): Promise<Advance> {
  const { plan, log, owner, run } = task
  const head = log.at(-1)!
  const now = new Date()
  if (head.status === 'queued') return { run, events: [startedEvent(head, plan, place.node, now)] }
  if (owner === run) return { run, events: await goOn(task, place, cancelled) }
  return { run, events: [resumedEvent(head, plan, { executor: place.node, completed: completedSteps(log).step }, now)] }
}

/** Follows from what is recorded, as the library demands of a step's name. */
export function nameOf({ plan, log }: Progressing): string {
  if (log.length === 1) return 'start'
  return log.at(-1)!.status === 'input_required' ? 'wait' : plan.steps[completedSteps(log).step]!.name
}

async function goOn(task: Progressing, place: ExecutorPlace, cancelled: AbortSignal): Promise<readonly TaskEvent[]> {
  const { log, control } = task
  const stop = new AbortController()
  using _deadline = armDeadline(log, place.timeScale, stop)
  const signal = AbortSignal.any([cancelled, stop.signal])
  try {
    const answers = await passSafePoint(task, place, signal)
    if (answers.length > 0) return answers
    const spawned = spawnFor({ head: log.at(-1)!, control }, task.plan, place.family.limits, new Date())
    return spawned.length > 0 ? spawned : await performNext(task, place, signal)
  } catch (error) {
    return endingBy(error)({ head: log.at(-1)!, control })
  }
}

/** Then the step begins without another look: who sends commands without end must not hold it up for ever. */
function hasJustAnswered({ log }: Progressing): boolean {
  const { status, data } = log.at(-1)!
  return status === 'running' && typeof data['command'] === 'string'
}

/**
 * Answers to what has come: an advance of their own. None: the next step may begin. An agent that stands still waits in here
 * until there are some, so that waiting records nothing.
 */
async function passSafePoint(
  task: Progressing,
  { mailbox, accounts, family }: ExecutorPlace,
  stop: AbortSignal,
): Promise<readonly TaskEvent[]> {
  const { task_id } = task.log[0]!
  const known = commandsIn(task.log).length
  using watch = mailbox.watch(task_id)
  for (;;) {
    const letters = hasJustAnswered(task) ? [] : await mailbox.unread(task_id, known)
    const isHeld = asksBalance(task.control) ? await holdFor(accounts, chargeOf(task)) : undefined
    if (await isCancelledAbove(family, task_id)) throw stops.cancel
    const answers = answersTo(letters, task, isHeld)
    if (answers.length > 0 || !standsStill(task.control)) return answers
    await watch.untilNews(stop)
  }
}

function chargeOf({ plan, log }: Progressing): Charge {
  return chargeFor(log[0]!, plan, completedSteps(log).step)
}

function answersTo(
  letters: readonly Letter[],
  { plan, log, control }: Progressing,
  isHeld: boolean | undefined,
): readonly TaskEvent[] {
  const asked = commandedBy(letters, log.at(-1)!)
  const head = asked.at(-1) ?? log.at(-1)!
  return [...asked, ...atSafePoint({ ...asked.reduce(controlAfter, control), isHeld }, head, plan, new Date())]
}

async function performNext(
  task: Progressing,
  place: ExecutorPlace,
  signal: AbortSignal,
): Promise<readonly TaskEvent[]> {
  const { plan, log, control } = task
  const head = log.at(-1)!
  const { step: completed, digest } = completedSteps(log)
  const { job } = requestOf(log).input
  const of = { taskId: head.task_id, job, attempt: head.attempt, grant: grantIn(log), charge: chargeOf(task) }
  const work = { ...of, plan, step: completed + 1, digest }
  const done = await performAt(place, work, signal)
  return afterStep({ head, control }, plan, { step: work.step, ...done })
}
