import {
  ActivityCancellationType,
  CancellationScope,
  condition,
  defineSignal,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
  sleep,
  startChild,
} from '@temporalio/workflow'
import type { CallbackAttempt } from '../../contract/types/callback.ts'
import { postCallback } from '../../contract/engine/post-callback.ts'
import { grantIn } from '../../contract/types/granted.ts'
import type { TaskRequest } from '../../contract/types/task.ts'
import { timeoutsAt } from '../../contract/types/timeouts.ts'
import type { TaskActivities } from './activities.ts'
import { type Mailbox, openMailbox } from './mailbox.ts'
import { type Accepted, commandSignal, type Decider, type Ending, type SafePoint, type Standing } from './protocol.ts'
import { openResumptions } from './resumptions.ts'
import { backoffCoefficient, timeouts } from './engine.ts'

const command = defineSignal<[unknown]>(commandSignal)

/**
 * A task from its first step to its end. After a crash a worker calls it again and replays the history, so everything
 * here follows from the input and from what activities returned. It runs in a sandbox of the SDK, without Node.
 */
export async function task(accepted: Accepted): Promise<Ending> {
  const mailbox = openMailbox()
  setHandler(command, (signalled) => void mailbox.receive(signalled))
  const ending = await endingOf(accepted, mailbox)
  const attempt = (earlier: readonly CallbackAttempt[]) => activitiesOf(accepted).notify(ending, earlier)
  // A cancelled task owes its callback too. Each wait is a timer of the server.
  if (accepted.owesCallback) await CancellationScope.nonCancellable(() => postCallback(attempt, sleep))
  return ending
}

/** Its id is all that there is to it (`cancellationOf`). */
export async function cancellation(): Promise<void> {}

async function endingOf(accepted: Accepted, mailbox: Mailbox): Promise<Ending> {
  const deadline = new CancellationScope({ cancellable: true, ...remaining(accepted) })
  try {
    return await deadline.run(() => performSteps(accepted, mailbox))
  } catch (error) {
    if (CancellationScope.current().consideredCancelled) return { kind: 'cancelled' }
    if (deadline.consideredCancelled) return { kind: 'expired', reason: 'the deadline has passed' }
    throw error
  }
}

async function performSteps(accepted: Accepted, mailbox: Mailbox): Promise<Ending> {
  const { input } = requestIn(accepted)
  const grant = grantIn([accepted.created])
  const steps = accepted.stepDurationsMs.length
  const resumptions = openResumptions()
  const pass = openSafePoints(accepted, mailbox)
  const spawnedAt: number[] = []
  let [completed, digest, attempt, spent] = [0, '', 1, 0]
  while (completed < steps) {
    const { decider, standing } = await pass({ completed, spent, spawnedAt })
    if (resumptions.decidedBy(decider)) attempt++
    if (decider.isCancelled) return { kind: 'cancelled' }
    if (standing.status === 'failed') return { kind: 'failed', reason: standing.failedFor! }
    if (standing.status === 'input_required') {
      await condition(() => mailbox.size > standing.taken)
      continue
    }
    if (decider.spawned) {
      await startSubTasks(decider.spawned)
      spawnedAt.push(...decider.spawned.map(() => completed + 1))
      spent += creditsOf(decider.spawned)
      // That may have taken its time: whether the step may begin is asked again.
      continue
    }
    const { step } = activitiesOf(accepted, accepted.stepDurationsMs[completed])
    const result = await step({ input, step: completed + 1, digest, attempt, grant })
    if (result.kind === 'refused') return { kind: 'failed', reason: result.reason }
    if (result.kind === 'done') [completed, digest, spent] = [completed + 1, result.digest, spent + result.credits]
    else {
      attempt++
      resumptions.stepResumed()
    }
  }
  return { kind: 'completed', digest, steps }
}

/** Child workflows, which outlive this one: whether they may go on, they ask by themselves. The server starts each once. */
async function startSubTasks(subTasks: readonly Accepted[]): Promise<void> {
  const options = { parentClosePolicy: 'ABANDON', cancellationType: 'ABANDON' } as const
  const startOne = (accepted: Accepted) => {
    const { workflowTaskMs: workflowTaskTimeout } = timeoutsAt(timeouts, accepted.pace)
    const workflowId = accepted.created.task_id
    const once = { workflowId, workflowIdReusePolicy: 'REJECT_DUPLICATE', workflowTaskTimeout } as const
    return startChild(task, { ...options, ...once, args: [accepted] })
  }
  // A start that is under way when its scope is cancelled may never be answered: then the task would hang.
  await CancellationScope.nonCancellable(() => Promise.all(subTasks.map(startOne)))
}

function creditsOf(subTasks: readonly Accepted[]): number {
  return subTasks.reduce((sum, accepted) => sum + (requestIn(accepted).budget?.credits ?? 0), 0)
}

/**
 * Before each step, and as often as a command comes to an agent that stands still: who decides, and how the task stands then.
 * Where nobody asked for anything, nothing is decided, and the history is that of a task without control.
 */
function openSafePoints(accepted: Accepted, mailbox: Mailbox) {
  const { created, pace, spawningSteps } = accepted
  const { workflowTaskMs } = timeoutsAt(timeouts, pace)
  const { identify } = proxyLocalActivities<TaskActivities>({ startToCloseTimeout: workflowTaskMs })
  const hasBudget = requestIn(accepted).budget !== undefined
  let standing: Standing = { status: 'running', taken: 0, toppedUp: 0 }
  return async (done: Done): Promise<{ decider: Decider; standing: Standing }> => {
    const commands = mailbox.after(standing.taken)
    const next = done.completed + 1
    const isSpawning = spawningSteps.includes(next) && !done.spawnedAt.includes(next)
    const isAsked = hasBudget || isSpawning || commands.length > 0
    const point = isAsked ? { created, standing, commands, ...done } : null
    // After its first step a request for it comes to itself (`cancelBelow` of the backend).
    const decider = await identify(point, done.completed === 0)
    standing = decider.standing ?? standing
    return { decider, standing }
  }
}
type Done = Pick<SafePoint, 'completed' | 'spent' | 'spawnedAt'>

function requestIn({ created }: Accepted): TaskRequest {
  return (created.data as { readonly request: TaskRequest }).request
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
