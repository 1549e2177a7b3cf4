import { randomUUID, hash } from 'node:crypto'
import { Agent, type Dispatcher } from 'undici'
import { planTask, emptyDigest } from '../../../patterns/agent/plan.ts'
import type { Backend, Submission } from '../../../patterns/contract/engine/backend.ts'
import type { NodeSettings } from '../../../patterns/contract/types/settings.ts'
import type { Notify } from '../../../patterns/contract/types/callback.ts'
import {
  createdEvent,
  completedEvent,
  failedEvent,
  progressEvent,
  startedEvent,
} from '../../../patterns/contract/engine/log.ts'
import { ProblemError } from '../../../patterns/contract/types/problems.ts'
import { timingAt, type Timing } from '../../../patterns/contract/types/timing.ts'
import { deliveriesOf, TaskRecord } from '../../../patterns/engines/memory/record.ts'
import { befalls, misbehaviourVariable, readMisbehaviour, type Misbehaviour } from './misbehaviour.ts'
import { performStep, type StepContext, type StepDone } from '../../../patterns/agent/step.ts'
import { sleep } from '../../../patterns/contract/types/timer.ts'
import { logError } from '../../../patterns/contract/engine/log-error.ts'
import { OwedCallback } from '../../../patterns/engines/memory/callback.ts'

/**
 * The null engine: as little as a task can take. It sleeps the ideal duration, posts the effects and completes; no
 * store, no queue, no retry. On demand it is wrong in one way and by a known amount. So what the harness reports of it
 * can be compared with the truth. It takes no cancellation and no deadline: no control asks for either.
 */
export async function openBackend(settings: NodeSettings, notify: Notify): Promise<Backend> {
  if (!settings.toolsUrl) throw new Error('the null engine executes in the API node: it needs OUTLAST_TOOLS_URL')
  const misbehaviour = readMisbehaviour(process.env[misbehaviourVariable])
  const timing = timingAt(settings.timeScale)
  const dispatcher = new Agent({ connections: 256, connect: { timeout: timing.connectTimeoutMs } })
  const control: Control = { settings, timing, dispatcher, toolsUrl: settings.toolsUrl, notify, misbehaviour }
  const records = new Map<string, TaskRecord>()
  const byKey = new Map<string, TaskRecord>()
  return {
    submit: async (submission) => {
      const earlier = byKey.get(submission.key)
      if (earlier) return { task: earlier.task, replayed: true }
      const record = accept(submission, settings.timeScale)
      byKey.set(submission.key, record)
      const { task } = record
      if (befalls(misbehaviour, 'lose', record.request.input.job)) return { task, replayed: false }
      records.set(task.task_id, record)
      void execute(record, control)
      return { task, replayed: false }
    },
    read: async (taskId) => records.get(taskId)?.task,
    events: async (taskId, after) => records.get(taskId)?.after(after),
    follow: (taskId, after, signal) => records.get(taskId)?.follow(after, signal) ?? nothing(),
    cancel: async (taskId) => {
      if (!records.has(taskId)) return undefined
      throw new ProblemError('not-supported', 'the null engine cancels nothing')
    },
    deliveries: deliveriesOf(records),
    [Symbol.asyncDispose]: () => dispatcher.destroy(),
  }
}

function accept({ request }: Submission, timeScale: number): TaskRecord {
  const plan = planTask(request.input, timeScale)
  return new TaskRecord(request, plan, createdEvent(`task_${randomUUID()}`, request, plan, new Date()))
}

async function* nothing(): AsyncGenerator<never> {}

interface Control {
  readonly settings: NodeSettings
  readonly timing: Timing
  readonly dispatcher: Dispatcher
  readonly toolsUrl: string
  readonly notify: Notify
  readonly misbehaviour: Misbehaviour | undefined
}

/** Perform a task as the misbehaviour has it, and post its callback. Never rejects. */
async function execute(record: TaskRecord, control: Control): Promise<void> {
  const { settings, misbehaviour, notify } = control
  const { job } = record.request.input
  try {
    const digest = await performSteps(record, control)
    if (misbehaviour?.does === 'delay') await sleep(misbehaviour.ms, record.stop.signal)
    const result = befalls(misbehaviour, 'falsify', job) ? invent(digest) : digest
    record.append(completedEvent(record.head, { digest: result, steps: record.plan.steps.length }, new Date()))
  } catch (error) {
    logError(settings.node, `task ${record.head.task_id}`, error)
    record.append(failedEvent(record.head, 'the null engine failed', new Date()))
  }
  const url = record.request.delivery?.webhook_url
  if (url !== undefined && !befalls(misbehaviour, 'keep', job)) record.owed = new OwedCallback(record.task, url, notify)
}

async function performSteps(record: TaskRecord, control: Control): Promise<string> {
  const { plan } = record
  record.append(startedEvent(record.head, plan, control.settings.node, new Date()))
  let digest = emptyDigest
  for (const { index } of plan.steps) {
    const done = await perform(record, index, digest, control)
    record.append(progressEvent(record.head, plan, { step: index, ...done }, new Date()))
    digest = done.digest
  }
  return digest
}

async function perform(record: TaskRecord, index: number, digest: string, control: Control): Promise<StepDone> {
  const { misbehaviour } = control
  const { plan, request } = record
  const { job } = request.input
  const step = plan.steps[index - 1]!
  if (index === plan.steps.length && befalls(misbehaviour, 'skip', job)) {
    await sleep(step.durationMs, record.stop.signal)
    return { digest: invent(digest), credits: step.credits }
  }
  const context = contextOf(record, control)
  if (index === 1 && befalls(misbehaviour, 'duplicate', job)) await performStep(plan, index, digest, context)
  return performStep(plan, index, digest, context)
}

/** A result that no work came to. */
function invent(digest: string): string {
  return hash('sha256', `invented after ${digest}`, 'hex')
}

function contextOf(record: TaskRecord, { settings, timing, dispatcher, toolsUrl }: Control): StepContext {
  const { task_id: taskId, attempt } = record.task
  const { job } = record.request.input
  return { taskId, job, attempt, executor: settings.node, toolsUrl, dispatcher, timing, signal: record.stop.signal }
}
