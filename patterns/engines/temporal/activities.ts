import { randomUUID } from 'node:crypto'
import { activityInfo, ApplicationFailure, CancelledFailure, cancellationSignal, heartbeat } from '@temporalio/activity'
import type { Dispatcher } from 'undici'
import { planTask } from '../../agent/plan.ts'
import { performStep, ToolRefusal } from '../../agent/step.ts'
import type { NodeSettings } from '../../contract/engine/backend.ts'
import type { CallbackAttempt, Notify } from '../../contract/types/callback.ts'
import type { TaskEvent } from '../../contract/types/events.ts'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import { foldEvents, requestOf } from '../../contract/engine/log.ts'
import { timeoutsAt } from '../../contract/types/timeouts.ts'
import type { Timing } from '../../contract/types/timing.ts'
import type { Decider, Ending, StepResult, StepWork } from './protocol.ts'
import { timeouts } from './timeouts.ts'

/** The part of a workflow that is not replayed: whatever touches the world. */
export interface TaskActivities {
  /** Performed by whoever decides, within its decision. */
  identify(): Promise<Decider>
  step(work: StepWork): Promise<StepResult>
  /** One attempt. `ending` is for the record: with it the log is complete. */
  notify(ending: Ending, earlier: readonly CallbackAttempt[]): Promise<CallbackAttempt>
}

export interface ActivityParts {
  readonly settings: NodeSettings & { readonly toolsUrl: string }
  readonly timing: Timing
  readonly dispatcher: Dispatcher
  readonly notify: Notify
  readonly readLog: (taskId: string) => Promise<readonly TaskEvent[]>
}

export function openActivities({ settings, timing, dispatcher, ...parts }: ActivityParts): TaskActivities {
  const { node, timeScale, toolsUrl } = settings
  const { heartbeatMs } = timeoutsAt(timeouts, settings)

  async function step({ input, step, digest, attempt }: StepWork): Promise<StepResult> {
    const { attempt: tries, taskId } = about()
    if (tries > 1) return { kind: 'resumed', executor: node }
    using _beat = beatEvery(heartbeatMs)
    const place = { taskId, job: input.job, attempt, executor: node, toolsUrl, dispatcher, timing }
    try {
      const context = { ...place, signal: cancellationSignal() }
      const perform = () => performStep(planTask(input, timeScale), step, digest, context)
      return { kind: 'done', ...(await withFaultPoints('temporal.step', perform)) }
    } catch (error) {
      if (error instanceof ToolRefusal) return { kind: 'refused', reason: error.message }
      throw isLeaving(error) ? ApplicationFailure.retryable('the worker leaves', 'WorkerShutdown') : error
    }
  }

  async function notify(_ending: Ending, earlier: readonly CallbackAttempt[]): Promise<CallbackAttempt> {
    using _beat = beatEvery(heartbeatMs)
    const log = await parts.readLog(about().taskId)
    const callback = { task: foldEvents(log), url: requestOf(log).delivery!.webhook_url, earlier }
    return withFaultPoints('temporal.notify', () => parts.notify(callback))
  }
  const decider: Decider = { executor: node, life: randomUUID() }
  return { step, notify, identify: () => withFaultPoints('temporal.identify', async () => decider) }
}

function about(): { readonly attempt: number; readonly taskId: string } {
  const { attempt, workflowExecution } = activityInfo()
  return { attempt, taskId: workflowExecution!.workflowId }
}

/** Nothing beats by itself: without this a dead worker would be noticed only when the step's time is over. */
function beatEvery(ms: number): Disposable {
  const beat = heartbeat
  beat()
  const timer = setInterval(beat, ms)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

/** Cancelled by its own worker, not by the server. */
function isLeaving(error: unknown): boolean {
  return error instanceof CancelledFailure && error.message === 'WORKER_SHUTDOWN'
}
