import { randomUUID } from 'node:crypto'
import { DBOS } from '@dbos-inc/dbos-sdk'
import { planTask } from '../../agent/plan.ts'
import type { CallbackAttempt } from '../../contract/types/callback.ts'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import { requestOf } from '../../contract/types/fold.ts'
import { postCallback } from '../../contract/engine/post-callback.ts'
import { isTerminal } from '../../contract/types/task.ts'
import type { Workplace } from '../../contract/engine/workplace.ts'
import { advance, nameOf, type Progressing } from './advance.ts'
import { type Accepted, callbackOf, queueName, workflows } from './protocol.ts'

export interface WorkflowParts {
  readonly place: Workplace
  /** Workflows that this process has in hand, by run. */
  readonly inHand: Map<string, string>
  /** Followers may find something new. */
  readonly announce: (taskId: string) => void
  /** One attempt to post the callback that an ended task owes. */
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
    const plan = planTask(request.input, place.timeScale)
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
