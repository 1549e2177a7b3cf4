import { hash } from 'node:crypto'
import { planTask } from '../../agent/plan.ts'
import type { Backend, NodeSettings, Submission } from '../../contract/engine/backend.ts'
import type { TaskEvent } from '../../contract/types/events.ts'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import { createdEvent, foldEvents } from '../../contract/engine/log.ts'
import { ProblemError } from '../../contract/types/problems.ts'
import { isTerminal, type Task } from '../../contract/types/task.ts'
import type { Pace } from '../../contract/types/timeouts.ts'
import { timingAt } from '../../contract/types/timing.ts'
import { type Frontend, openFrontend } from './frontend.ts'
import { type Accepted, placeOf } from './protocol.ts'

/** The API's side: a client of the server and nothing else. It reads histories, so it needs no worker for an answer. */
export async function openBackend(settings: NodeSettings): Promise<Backend> {
  if (!settings.engineUrl) throw new Error('the temporal engine needs OUTLAST_ENGINE_URL')
  const place = placeOf(settings.engineUrl)
  const frontend = openFrontend(place, timingAt(settings.timeScale))
  const readTask = async (taskId: string): Promise<Task | undefined> => {
    const log = await frontend.read(taskId)
    return log && foldEvents(log.events)
  }
  return {
    submit: (submission) => {
      return submit(frontend, { ...submission, key: place.space + submission.key }, settings)
    },
    read: readTask,
    events: async (taskId, after) => (await frontend.read(taskId))?.events.slice(after),
    follow: (taskId, after, signal) => follow(frontend, taskId, after, signal),
    cancel: async (taskId) => {
      const task = await readTask(taskId)
      if (!task || isTerminal(task.status)) return task
      await withFaultPoints('temporal.cancel', () => frontend.cancel(taskId))
      return afterCancel(frontend, task)
    },
    [Symbol.asyncDispose]: async () => frontend[Symbol.asyncDispose](),
  }
}

/** The workflow's id follows from the key, so the server itself refuses a second run: no race, and no index of ours. */
async function submit(frontend: Frontend, { key, fingerprint, request }: Submission, pace: Pace) {
  const taskId = `task_${hash('sha256', key, 'hex').slice(0, 32)}`
  const plan = planTask(request.input, pace.timeScale)
  const created = createdEvent(taskId, request, plan, new Date())
  const accepted: Accepted = {
    created,
    fingerprint,
    pace: { tuning: pace.tuning, timeScale: pace.timeScale },
    stepDurationsMs: plan.steps.map(({ durationMs }) => durationMs),
    owesCallback: request.delivery !== undefined,
    ...(request.deadline_s !== undefined && { deadlineMs: Math.ceil((request.deadline_s * 1000) / pace.timeScale) }),
  }
  if (await withFaultPoints('temporal.start', () => frontend.start(taskId, accepted)))
    return { task: foldEvents([created]), replayed: false }
  const known = await frontend.read(taskId)
  if (known?.accepted.fingerprint === fingerprint) return { task: foldEvents(known.events), replayed: true }
  throw new ProblemError('idempotency-key-reused', 'this Idempotency-Key came with another request', taskId)
}

/** One long poll after the other: the server answers each as soon as the history has grown. */
async function* follow(
  frontend: Frontend,
  taskId: string,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<TaskEvent> {
  let seen = after
  try {
    for await (const { events } of frontend.watch(taskId, signal)) {
      yield* events.slice(seen)
      seen = Math.max(seen, events.length)
      if (isTerminal(events.at(-1)!.status)) return
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

/** The request is on record, but a decision under way comes first: wait until the log shows the answer. */
async function afterCancel(frontend: Frontend, task: Task): Promise<Task | undefined> {
  const { signal } = new AbortController()
  for await (const { status } of follow(frontend, task.task_id, task.version, signal))
    if (status === 'cancelling' || isTerminal(status)) break
  const log = await frontend.read(task.task_id)
  return log && foldEvents(log.events)
}
