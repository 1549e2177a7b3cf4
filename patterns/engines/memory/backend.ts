import { randomUUID } from 'node:crypto'
import { Agent } from 'undici'
import { planTask } from '../../agent/plan.ts'
import type { Backend, NodeSettings, Submission } from '../../contract/engine/backend.ts'
import type { Notify } from '../../contract/types/callback.ts'
import { cancelRequestedEvent, createdEvent } from '../../contract/engine/log.ts'
import { ProblemError } from '../../contract/types/problems.ts'
import type { Task } from '../../contract/types/task.ts'
import { timingAt } from '../../contract/types/timing.ts'
import { deliveriesOf } from './deliveries.ts'
import { executeTask, stops, type Executor } from './execution.ts'
import { TaskRecord } from './record.ts'

/** Everything in this process: what a crash or a deployment takes with it. Logs are kept as long as the process lives. */
export async function openBackend(settings: NodeSettings, notify: Notify): Promise<Backend> {
  if (!settings.toolsUrl) throw new Error('the memory engine executes in the API node: it needs OUTLAST_TOOLS_URL')
  const timing = timingAt(settings.timeScale)
  const dispatcher = new Agent({ connections: 128, connect: { timeout: timing.connectTimeoutMs } })
  const executor: Executor = { settings, timing, dispatcher, toolsUrl: settings.toolsUrl, notify }
  const records = new Map<string, TaskRecord>()
  const submissions = new Map<string, { readonly fingerprint: string; readonly record: TaskRecord }>()
  return {
    submit: async (submission) => {
      const earlier = submissions.get(submission.key)
      if (earlier) return replay(earlier.record, earlier.fingerprint, submission)
      const record = acceptTask(submission, settings.timeScale)
      submissions.set(submission.key, { fingerprint: submission.fingerprint, record })
      records.set(record.task.task_id, record)
      const { task } = record
      void executeTask(record, executor)
      return { task, replayed: false }
    },
    read: async (taskId) => records.get(taskId)?.task,
    events: async (taskId, after) => records.get(taskId)?.after(after),
    follow: (taskId, after, signal) => records.get(taskId)?.follow(after, signal) ?? nothing(),
    cancel: async (taskId) => cancelTask(records.get(taskId)),
    deliveries: deliveriesOf(records),
    [Symbol.asyncDispose]: async () => {
      for (const record of records.values()) record.stop.abort(stops.exit)
      await dispatcher.destroy()
    },
  }
}

function acceptTask({ request }: Submission, timeScale: number): TaskRecord {
  const plan = planTask(request.input, timeScale)
  return new TaskRecord(request, plan, createdEvent(`task_${randomUUID()}`, request, plan, new Date()))
}

function replay(record: TaskRecord, fingerprint: string, submission: Submission) {
  if (fingerprint === submission.fingerprint) return { task: record.task, replayed: true }
  const detail = `"${submission.key}" was used for another request`
  throw new ProblemError('idempotency-key-reused', detail, record.task.task_id)
}

function cancelTask(record: TaskRecord | undefined): Task | undefined {
  if (!record) return undefined
  if (record.ended || record.task.status === 'cancelling') return record.task
  record.append(cancelRequestedEvent(record.head, new Date()))
  const { task } = record
  record.stop.abort(stops.cancel)
  return task
}

async function* nothing(): AsyncGenerator<never> {}
