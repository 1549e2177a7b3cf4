import {
  ActivityCancellationType,
  CancellationScope,
  proxyActivities,
  proxyLocalActivities,
  sleep,
} from '@temporalio/workflow'
import type { CallbackAttempt } from '../../contract/types/callback.ts'
import { postCallback } from '../../contract/engine/post-callback.ts'
import type { TaskRequest } from '../../contract/types/task.ts'
import { timeoutsAt } from '../../contract/types/timeouts.ts'
import type { TaskActivities } from './activities.ts'
import type { Accepted, Ending } from './protocol.ts'
import { openResumptions } from './resumptions.ts'
import { backoffCoefficient, timeouts } from './engine.ts'

/**
 * A task from its first step to its end. After a crash a worker calls it again and replays the history, so everything
 * here follows from the input and from what activities returned. It runs in a sandbox of the SDK, without Node.
 */
export async function task(accepted: Accepted): Promise<Ending> {
  const ending = await endingOf(accepted)
  const attempt = (earlier: readonly CallbackAttempt[]) => activitiesOf(accepted).notify(ending, earlier)
  // A cancelled task owes its callback too. Each wait is a timer of the server.
  if (accepted.owesCallback) await CancellationScope.nonCancellable(() => postCallback(attempt, sleep))
  return ending
}

async function endingOf(accepted: Accepted): Promise<Ending> {
  const deadline = new CancellationScope({ cancellable: true, ...remaining(accepted) })
  try {
    return await deadline.run(() => performSteps(accepted))
  } catch (error) {
    if (CancellationScope.current().consideredCancelled) return { kind: 'cancelled' }
    if (deadline.consideredCancelled) return { kind: 'expired', reason: 'the deadline has passed' }
    throw error
  }
}

async function performSteps(accepted: Accepted): Promise<Ending> {
  const { input } = (accepted.created.data as { readonly request: TaskRequest }).request
  const steps = accepted.stepDurationsMs.length
  const { workflowTaskMs } = timeoutsAt(timeouts, accepted.pace)
  const { identify } = proxyLocalActivities<TaskActivities>({ startToCloseTimeout: workflowTaskMs })
  const resumptions = openResumptions()
  let [completed, digest, attempt] = [0, '', 1]
  while (completed < steps) {
    if (resumptions.decidedBy(await identify())) attempt++
    const { step } = activitiesOf(accepted, accepted.stepDurationsMs[completed])
    const result = await step({ input, step: completed + 1, digest, attempt })
    if (result.kind === 'refused') return { kind: 'failed', reason: result.reason }
    if (result.kind === 'done') [completed, digest] = [completed + 1, result.digest]
    else {
      attempt++
      resumptions.stepResumed()
    }
  }
  return { kind: 'completed', digest, steps }
}

/** A workflow's clock is that of its history, and does not run between decisions. */
function remaining({ created, deadlineMs }: Accepted): { readonly timeout?: number } {
  return deadlineMs === undefined ? {} : { timeout: Math.max(1, Date.parse(created.time) + deadlineMs - Date.now()) }
}

function activitiesOf({ pace }: Accepted, stepMs?: number) {
  const { heartbeatTimeoutMs, stepSlackMs, notifyMs, retryMs, retryCapMs } = timeoutsAt(timeouts, pace)
  return proxyActivities<TaskActivities>({
    ...(heartbeatTimeoutMs < Infinity && { heartbeatTimeout: heartbeatTimeoutMs }),
    startToCloseTimeout: stepMs === undefined ? notifyMs : Math.ceil(3 * stepMs + stepSlackMs),
    // A step is over when its worker says so: no effect comes after the end of a cancelled task.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: {
      initialInterval: retryMs,
      backoffCoefficient: backoffCoefficient[pace.tuning],
      maximumInterval: retryCapMs,
    },
  })
}
