import { randomUUID } from 'node:crypto'
import { Agent } from 'undici'
import { acceptOnce, newTask } from '../../contract/engine/accept.ts'
import { withAddresses } from '../../contract/engine/addresses.ts'
import type { Backend } from '../../contract/engine/backend.ts'
import type { NodeSettings } from '../../contract/types/settings.ts'
import type { Notify } from '../../contract/types/callback.ts'
import { cancelRequestedEvent } from '../../contract/engine/log.ts'
import type { Task } from '../../contract/types/task.ts'
import { timingAt } from '../../contract/types/timing.ts'
import { stops } from '../../contract/engine/after-step.ts'
import { deliveriesOf } from './deliveries.ts'
import { executeTask, exit } from './execution.ts'
import { TaskRecord } from './record.ts'

/** Everything in this process: what a crash or a deployment takes with it. Logs are kept as long as the process lives. */
export async function openBackend(settings: NodeSettings, notify: Notify): Promise<Backend> {
  const { node, toolsUrl, timeScale } = withAddresses(settings, 'toolsUrl')
  const timing = timingAt(timeScale)
  const dispatcher = new Agent({ connections: 128, connect: { timeout: timing.connectTimeoutMs } })
  const place = { node, toolsUrl, dispatcher, timeScale, timing }
  const records = new Map<string, TaskRecord>()
  const submissions = new Map<string, { readonly fingerprint: string; readonly record: TaskRecord }>()
  return {
    submit: (submission) => {
      const { key, fingerprint, request } = submission
      return acceptOnce(newTask(submission, timeScale, `task_${randomUUID()}`), async ({ taskId, plan, created }) => {
        const known = submissions.get(key)
        if (known) return { fingerprint: known.fingerprint, log: known.record.after(0) }
        const record = new TaskRecord(request, plan, created)
        submissions.set(key, { fingerprint, record })
        records.set(taskId, record)
        void executeTask(record, place, notify)
        return undefined
      })
    },
    read: async (taskId) => records.get(taskId)?.task,
    events: async (taskId, after) => records.get(taskId)?.after(after),
    follow: (taskId, after, signal) => records.get(taskId)?.follow(after, signal) ?? nothing(),
    cancel: async (taskId) => cancelTask(records.get(taskId)),
    deliveries: deliveriesOf(records),
    [Symbol.asyncDispose]: async () => {
      for (const record of records.values()) record.stop.abort(exit)
      await dispatcher.destroy()
    },
  }
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
