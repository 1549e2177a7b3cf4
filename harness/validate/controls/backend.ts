import { randomUUID } from 'node:crypto'
import { Agent } from 'undici'
import { planTask } from '../../../patterns/agent/plan.ts'
import type { Backend, Submission } from '../../../patterns/contract/engine/backend.ts'
import type { NodeSettings } from '../../../patterns/contract/types/settings.ts'
import type { Notify } from '../../../patterns/contract/types/callback.ts'
import { createdEvent } from '../../../patterns/contract/engine/log.ts'
import { ProblemError } from '../../../patterns/contract/types/problems.ts'
import { timingAt } from '../../../patterns/contract/types/timing.ts'
import { deliveriesOf } from '../../../patterns/engines/memory/deliveries.ts'
import { TaskRecord } from '../../../patterns/engines/memory/record.ts'
import { type Control, execute } from './execute.ts'
import { befalls, misbehaviourVariable, readMisbehaviour } from './misbehaviour.ts'

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
