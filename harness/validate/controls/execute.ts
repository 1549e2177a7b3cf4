import { hash } from 'node:crypto'
import type { Dispatcher } from 'undici'
import { emptyDigest } from '../../../patterns/agent/plan.ts'
import { performStep, type StepContext, type StepDone } from '../../../patterns/agent/step.ts'
import type { NodeSettings } from '../../../patterns/contract/types/settings.ts'
import type { Notify } from '../../../patterns/contract/types/callback.ts'
import { completedEvent, failedEvent, progressEvent, startedEvent } from '../../../patterns/contract/engine/log.ts'
import { sleep } from '../../../patterns/contract/types/timer.ts'
import { reportError } from '../../../patterns/contract/engine/log-error.ts'
import type { Timing } from '../../../patterns/contract/types/timing.ts'
import { OwedCallback } from '../../../patterns/engines/memory/callback.ts'
import type { TaskRecord } from '../../../patterns/engines/memory/record.ts'
import { befalls, type Misbehaviour } from './misbehaviour.ts'

export interface Control {
  readonly settings: NodeSettings
  readonly timing: Timing
  readonly dispatcher: Dispatcher
  readonly toolsUrl: string
  readonly notify: Notify
  readonly misbehaviour: Misbehaviour | undefined
}

/** Perform a task as the misbehaviour has it, and post its callback. Never rejects. */
export async function execute(record: TaskRecord, control: Control): Promise<void> {
  const { settings, misbehaviour, notify } = control
  const { job } = record.request.input
  try {
    const digest = await performSteps(record, control)
    if (misbehaviour?.does === 'delay') await sleep(misbehaviour.ms, record.stop.signal)
    const result = befalls(misbehaviour, 'falsify', job) ? invent(digest) : digest
    record.append(completedEvent(record.head, { digest: result, steps: record.plan.steps.length }, new Date()))
  } catch (error) {
    reportError(settings.node, `task ${record.head.task_id}`, error)
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
