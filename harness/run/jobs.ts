import { digestOf, planTask } from '../../patterns/agent/plan.ts'
import { type ClientPorts, type Job, JobFailed } from '../../patterns/contract/client/client.ts'
import { monotonicMs, startTimer } from '../../patterns/contract/types/timer.ts'
import { describeError } from '../core/errors.ts'
import type { TaskEnd, TaskIntent, Vocabulary } from '../model/history.ts'
import type { CellPlan } from '../model/plan.ts'
import { createRng } from '../core/rng.ts'
import { rightDigest } from '../model/right.ts'
import type { TargetSpeech } from '../targets/speech.ts'
import type { Client } from './client.ts'
import type { TaskEnding } from './progress.ts'
import type { Recorder } from './recorder.ts'

/** One intended task of a cell: fixed before the load starts. */
export interface PlannedJob {
  readonly key: string
  readonly ordinal: number
  readonly seed: number
  readonly intent: TaskIntent
}

/** Name of the n-th task (from 0) in every record: `t-00001` is the first. */
export function jobKey(ordinal: number): string {
  return `t-${String(ordinal + 1).padStart(5, '0')}`
}

/** The jobs of a cell, the same for every pattern of a block. The right answers need the cell's own nonces. */
export function planJobs(
  cell: CellPlan,
  arrivals: readonly number[],
  nonceOf: (job: string, step: number) => string,
): readonly PlannedJob[] {
  return arrivals.map((intendedAt, ordinal) => {
    const key = jobKey(ordinal)
    const seed = jobSeed(cell, ordinal)
    const work = workOf(cell, key, seed, nonceOf)
    const deadlineAt = intendedAt + work.idealMs + cell.graceMs
    const intent = {
      ordinal,
      intendedAt,
      ...work,
      deadlineAt,
      giveUpAt: deadlineAt + cell.graceMs,
    }
    return { key, ordinal, seed, intent }
  })
}

type Work = Pick<TaskIntent, 'idealMs' | 'steps' | 'expectedDigest'>

/** Whether a result of work that is not outlast's own is right, its target says. */
function workOf(
  { ownWork, profile, timeScale }: CellPlan,
  key: string,
  seed: number,
  nonceOf: (job: string, step: number) => string,
): Work {
  if (ownWork) return { idealMs: ownWork.idealMs, steps: ownWork.steps, expectedDigest: rightDigest }
  const plan = planTask({ seed, profile }, timeScale)
  const expectedDigest = digestOf(plan, (step) => nonceOf(key, step))
  return { idealMs: plan.idealMs, steps: plan.steps.length, expectedDigest }
}

export interface JobRunner {
  /** Run one job to its end and record it; never rejects. */
  run(job: PlannedJob): Promise<void>
  skip(job: PlannedJob): void
  /** Ids that the server gave, by job, as far as the client learned them. */
  readonly taskIds: ReadonlyMap<string, string>
  /** Jobs whose client did not see the right result. */
  readonly unresolved: ReadonlySet<string>
  /** `right`: of the `ok`, the right result before the deadline. */
  readonly counts: { started: number; ok: number; failed: number; open: number; right: number }
}

/** Of the n-th task (from 0). */
export function jobSeed({ seed }: Pick<CellPlan, 'seed'>, ordinal: number): number {
  return Math.floor(createRng(seed, `task/${ordinal}`).next() * 2 ** 31)
}

export interface JobClient extends Pick<Client, 'runJob' | 'ports'> {
  /** Of a target: what its service is asked to do. */
  readonly speech?: Pick<TargetSpeech, 'type' | 'inputOf'>
  /** Hears of every acceptance as its client does, with the node that gave it. */
  readonly onAccepted?: (job: string, api: string) => void
  /** The trace that the requests of a job belong to. */
  readonly traceparentOf?: (job: string) => string
  readonly onEnd?: (end: TaskEnding) => void
}

/** The client side of a cell: runs jobs through the delivery's client and writes what happens into the history. */
export function createJobRunner(
  cell: CellPlan,
  { runJob, ports, onAccepted, speech, traceparentOf, onEnd }: JobClient,
  recorder: Recorder,
  abort: AbortSignal,
): JobRunner {
  const taskIds = new Map<string, string>()
  const unresolved = new Set<string>()
  const counts = { started: 0, ok: 0, failed: 0, open: 0, right: 0 }
  const observe = createObserver(recorder, (job, { taskId, api }) => {
    taskIds.set(job, taskId)
    onAccepted?.(job, api.replace('client->', ''))
  })
  const jitter = createRng(cell.seed, 'client-jitter')
  const client: ClientPorts = { ...ports, observe, now: monotonicMs, random: jitter.next }

  async function run(planned: PlannedJob): Promise<void> {
    const { key, intent } = planned
    const invoke = recorder.record({ f: 'task', type: 'invoke', process: 'client', task: key, value: intent })
    unresolved.add(key)
    counts.started++
    counts.open++
    const giveUpAt = recorder.epochMs + intent.giveUpAt
    const limit = giveUpSignal(giveUpAt, abort)
    const own = { seed: planned.seed, profile: cell.profile, job: key }
    const input = speech ? speech.inputOf(key, planned.seed) : own
    const more = { ...(speech && { type: speech.type }), ...(traceparentOf && { traceparent: traceparentOf(key) }) }
    const job: Job = { key, ordinal: planned.ordinal, input, giveUpAt, ...more }
    const complete = (type: 'ok' | 'fail' | 'info', value: Vocabulary['task']['value'], error?: string): void => {
      recorder.record({ f: 'task', type, process: 'client', task: key, invoke, value, ...(error && { error }) })
      counts.open--
      if (type === 'ok') counts.ok++
      else counts.failed++
      onEnd?.(endingOf(intent, { type, ...value }, monotonicMs() - recorder.epochMs))
    }
    try {
      const { task, via } = await runJob(job, client, limit.signal)
      const digest = task.result?.digest ?? null
      const end = { taskId: task.task_id, status: task.status, digest, via }
      taskIds.set(key, task.task_id)
      const isRight = digest === intent.expectedDigest
      if (isRight) unresolved.delete(key)
      if (task.status === 'completed') {
        if (isRight && monotonicMs() - recorder.epochMs <= intent.deadlineAt) counts.right++
        complete('ok', end)
      } else complete('fail', { ...end, reason: 'task-failed' })
    } catch (error) {
      if (error instanceof JobFailed && isEnd(error))
        complete('fail', { reason: error.reason, ...(error.taskId && { taskId: error.taskId }) }, error.message)
      else if (abort.aborted) complete('info', { reason: 'cut' }, describeError(error))
      else complete('info', {}, describeError(error))
    } finally {
      limit.dispose()
    }
  }

  function skip(planned: PlannedJob): void {
    const { key, intent } = planned
    const invoke = recorder.record({ f: 'task', type: 'invoke', process: 'client', task: key, value: intent })
    recorder.record({ f: 'task', type: 'fail', process: 'client', task: key, invoke, value: { reason: 'not-offered' } })
    onEnd?.({ ending: 'not_offered' })
  }
  return { run, skip, taskIds, unresolved, counts }
}

type End = Pick<TaskEnd, 'digest' | 'reason'> & { readonly type: 'ok' | 'fail' | 'info' }

/** `seenAt` in milliseconds since the load began, as the times of the intent are. */
function endingOf(intent: TaskIntent, { type, digest, reason }: End, seenAt: number): TaskEnding {
  if (type !== 'ok') return { ending: reason === 'cut' ? 'cut' : type === 'fail' ? 'failed_known' : 'unknown' }
  if (digest !== intent.expectedDigest) return { ending: 'wrong' }
  const overheadMs = seenAt - intent.intendedAt - intent.idealMs
  return { ending: seenAt > intent.deadlineAt ? 'late' : 'ok', overheadMs }
}

/** What a client takes for an end without being certain of the task's, as a refused question is, is as open as a deadline's. */
function isEnd({ reason, isCertain }: JobFailed): boolean {
  return isCertain || reason === 'not-streamable'
}

function createObserver(
  recorder: Recorder,
  onAccepted: (job: string, accepted: { readonly taskId: string; readonly api: string }) => void,
): ClientPorts['observe'] {
  const submits = new Map<string, number>()
  return (job, seen) => {
    const invoke = seen.f === 'submit' && seen.type !== 'invoke' ? submits.get(job) : undefined
    const index = recorder.record({
      f: seen.f,
      type: seen.type,
      process: 'client',
      task: job,
      value: seen.value,
      ...('error' in seen && { error: seen.error }),
      ...(invoke !== undefined && { invoke }),
    })
    if (seen.f !== 'submit') return
    if (seen.type === 'invoke') submits.set(job, index)
    if (seen.type === 'ok') onAccepted(job, seen.value)
  }
}

/** As a limit of time: the client adds the last answer that it had. */
function gaveUp(): DOMException {
  return new DOMException('gave up at the deadline', 'TimeoutError')
}

/** One timer per job instead of AbortSignal.any, whose links to a long-lived signal pile up over thousands of jobs. */
function giveUpSignal(giveUpAt: number, abort: AbortSignal): { signal: AbortSignal; dispose: () => void } {
  const controller = new AbortController()
  const onAbort = (): void => controller.abort(new Error('the run was aborted'))
  const timer = startTimer(() => controller.abort(gaveUp()), giveUpAt - monotonicMs())
  if (abort.aborted) onAbort()
  abort.addEventListener('abort', onAbort, { once: true })
  return {
    signal: controller.signal,
    dispose: () => {
      timer.cancel()
      abort.removeEventListener('abort', onAbort)
    },
  }
}
