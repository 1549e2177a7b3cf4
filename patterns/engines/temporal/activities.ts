import { randomUUID } from 'node:crypto'
import { activityInfo, ApplicationFailure, CancelledFailure, cancellationSignal, heartbeat } from '@temporalio/activity'
import * as agent from '../../agent/work.ts'
import { ToolRefusal } from '../../agent/step.ts'
import type { CallbackAttempt, Notify } from '../../contract/types/callback.ts'
import type { TaskEvent } from '../../contract/types/events.ts'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import { isCancelledAbove, type SubTasks, subTaskOf } from '../../contract/engine/sub-tasks.ts'
import { foldEvents, requestOf } from '../../contract/types/fold.ts'
import { type Pace, timeoutsAt } from '../../contract/types/timeouts.ts'
import { performAt, type Workplace } from '../../contract/engine/workplace.ts'
import { acceptedOf, type Decider, type Ending, type SafePoint, type StepResult, type StepWork } from './protocol.ts'
import { decide } from './safe-point.ts'
import { timeouts } from './engine.ts'

/** The part of a workflow that is not replayed: whatever touches the world. */
export interface TaskActivities {
  /**
   * Performed by the worker that decides, within its decision. With a safe point it says how the task stands after it. It may ask
   * whether a task above a sub-task is cancelled.
   */
  identify(point: SafePoint | null, asksAbove: boolean): Promise<Decider>
  step(work: StepWork): Promise<StepResult>
  /** One attempt. `ending` is for the record: with it the log is complete. */
  notify(ending: Ending, earlier: readonly CallbackAttempt[]): Promise<CallbackAttempt>
}

export interface ActivityParts {
  readonly place: Workplace
  readonly pace: Pace
  readonly notify: Notify
  readonly readLog: (taskId: string) => Promise<readonly TaskEvent[]>
  readonly family: Omit<SubTasks, 'accept'>
}

export function openActivities({ place, pace, family, ...parts }: ActivityParts): TaskActivities {
  const { heartbeatMs } = timeoutsAt(timeouts, pace)

  async function step({ input, ...work }: StepWork): Promise<StepResult> {
    const { tries, taskId } = currentActivity()
    if (tries > 1) return { kind: 'resumed', executor: place.node }
    using _beat = beatEvery(heartbeatMs)
    const plan = agent.plan(input, place.timeScale)
    try {
      const perform = () => performAt(place, { ...work, taskId, job: input.job, plan }, cancellationSignal())
      return { kind: 'done', ...(await withFaultPoints('temporal.step', perform)) }
    } catch (error) {
      if (error instanceof ToolRefusal) return { kind: 'refused', reason: error.message }
      throw isLeaving(error) ? ApplicationFailure.retryable('the worker leaves', 'WorkerShutdown') : error
    }
  }

  async function notify(_ending: Ending, earlier: readonly CallbackAttempt[]): Promise<CallbackAttempt> {
    using _beat = beatEvery(heartbeatMs)
    const log = await parts.readLog(currentActivity().taskId)
    const callback = { task: foldEvents(log), url: requestOf(log).delivery!.webhook_url, earlier }
    return withFaultPoints('temporal.notify', () => parts.notify(callback))
  }

  const decider: Decider = { executor: place.node, life: randomUUID() }
  const identify: TaskActivities['identify'] = (point, asksAbove) =>
    withFaultPoints('temporal.identify', async () => {
      if (asksAbove && (await isCancelledAbove(family, currentActivity().taskId)))
        return { ...decider, isCancelled: true }
      return point ? { ...decider, ...decideAt(point) } : decider
    })

  function decideAt(point: SafePoint): Pick<Decider, 'standing' | 'spawned'> {
    const plan = agent.plan(requestOf([point.created]).input, place.timeScale)
    const { standing, spawned } = decide(point, plan, family.limits)
    const tasks = spawned.map((event) => subTaskOf(point.created, event, place.timeScale))
    return { standing, ...(tasks.length > 0 && { spawned: tasks.map((task) => acceptedOf(task, pace)) }) }
  }

  return { step, notify, identify }
}

function currentActivity(): { readonly tries: number; readonly taskId: string } {
  const { attempt, workflowExecution } = activityInfo()
  return { tries: attempt, taskId: workflowExecution!.workflowId }
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
