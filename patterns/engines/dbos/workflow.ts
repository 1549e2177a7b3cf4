import { randomUUID } from 'node:crypto'
import { DBOS } from '@dbos-inc/dbos-sdk'
import * as agent from '../../agent/work.ts'
import type { WorkPlan } from '../../contract/engine/workplace.ts'
import type { CallbackAttempt } from '../../contract/types/callback.ts'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import { requestOf, completedSteps } from '../../contract/types/fold.ts'
import { postCallback } from '../../contract/engine/post-callback.ts'
import { isTerminal } from '../../contract/types/task.ts'
import { type Workplace, performAt } from '../../contract/engine/workplace.ts'
import { type Accepted, callbackOf, queueName, workflows, type Advance } from './protocol.ts'
import { afterStep, endingBy, armDeadline } from '../../contract/engine/after-step.ts'
import { controlOf } from '../../contract/engine/control.ts'
import type { TaskEvent } from '../../contract/types/events.ts'
import { resumedEvent, startedEvent } from '../../contract/engine/log.ts'

export interface WorkflowParts {
  readonly place: Workplace
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
    let task: Progressing = { plan, log: [created], owner: undefined, run }
    while (!isTerminal(task.log.at(-1)!.status)) {
      const from = task
      const step = () => advance(from, place, DBOS.stepStatus!.cancelSignal)
      const added = await withFaultPoints('dbos.step', () => DBOS.runStep(step, { name: nameOf(from) }))
      task = { ...from, log: [...from.log, ...added.events], owner: added.run }
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

  DBOS.registerWorkflow(holding(performTask), { name: workflows.task })
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
  return { run, events: [resumedEvent(head, plan, { executor: place.node, completed: completedSteps(log).step }, now)] }
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
    return afterStep({ head, control: controlOf(log) }, plan, { step: work.step, ...done })
  } catch (error) {
    return endingBy(error)({ head, control: controlOf(log) })
  }
}
