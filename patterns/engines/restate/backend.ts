import { hash } from 'node:crypto'
import { planTask } from '../../agent/plan.ts'
import type { Backend, NodeSettings, Submission } from '../../contract/engine/backend.ts'
import type { TaskEvent } from '../../contract/types/events.ts'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import { createdEvent, foldEvents } from '../../contract/engine/log.ts'
import { ProblemError } from '../../contract/types/problems.ts'
import { isTerminal, type Task } from '../../contract/types/task.ts'
import { timingAt } from '../../contract/types/timing.ts'
import { type Ingress, openIngress } from './ingress.ts'
import type { Snapshot } from './protocol.ts'

/** The API's side: a client of the server's ingress and nothing else. It keeps no state and needs no worker to accept. */
export async function openBackend(settings: NodeSettings): Promise<Backend> {
  if (!settings.engineUrl) throw new Error('the restate engine needs OUTLAST_ENGINE_URL')
  const ingress = openIngress(settings.engineUrl, timingAt(settings.timeScale))
  const readTask = async (taskId: string): Promise<Task | undefined> => {
    const log = await readLog(ingress, taskId)
    return log && foldEvents(log)
  }
  return {
    submit: (submission) => submit(ingress, submission, settings.timeScale),
    read: readTask,
    events: async (taskId, after) => (await readLog(ingress, taskId))?.slice(after),
    follow: (taskId, after, signal) => follow(ingress, taskId, after, signal),
    cancel: async (taskId) => {
      const task = await readTask(taskId)
      if (!task || isTerminal(task.status)) return task
      await withFaultPoints('restate.cancel', () => ingress.cancel(taskId))
      return afterCancel(ingress, task)
    },
    [Symbol.asyncDispose]: async () => ingress[Symbol.asyncDispose](),
  }
}

/** The workflow's id follows from the key, so the server itself refuses a second run: no race, and no index of ours. */
async function submit(ingress: Ingress, { key, fingerprint, request }: Submission, timeScale: number) {
  const taskId = `task_${hash('sha256', key, 'hex').slice(0, 32)}`
  const created = createdEvent(taskId, request, planTask(request.input, timeScale), new Date())
  const send = () => ingress.send(taskId, { created, fingerprint })
  if (await withFaultPoints('restate.send', send)) return { task: foldEvents([created]), replayed: false }
  const known = await readStarted(ingress, taskId)
  if (known.fingerprint === fingerprint) return { task: foldEvents(known.log), replayed: true }
  throw new ProblemError('idempotency-key-reused', 'this Idempotency-Key came with another request', taskId)
}

/** The whole log, or undefined for an id under which nothing was ever sent. */
async function readLog(ingress: Ingress, taskId: string): Promise<readonly TaskEvent[] | undefined> {
  const { log } = await ingress.read(taskId)
  if (log.length > 0) return log
  return (await ingress.isKnown(taskId)) ? (await readStarted(ingress, taskId)).log : undefined
}

/** The state of a run that was accepted: where it has not begun, wait for its first event. */
async function readStarted(ingress: Ingress, taskId: string): Promise<Snapshot> {
  for (;;) {
    const snapshot = await ingress.read(taskId)
    if (snapshot.log.length > 0) return snapshot
    await ingress.event(taskId, 1, AbortSignal.timeout(30_000))
  }
}

/** What is there, then one waiting call per event. */
async function* follow(
  ingress: Ingress,
  taskId: string,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<TaskEvent> {
  const log = signal.aborted ? undefined : await readLog(ingress, taskId)
  if (!log) return
  yield* log.slice(after)
  let head = log.at(-1)!
  while (!isTerminal(head.status)) {
    const next = await ingress.event(taskId, head.seq + 1, signal).catch((error: unknown) => {
      if (signal.aborted) return undefined
      throw error
    })
    if (!next) return
    if (next.seq > after) yield next
    head = next
  }
}

/** The run answers a request to cancel with events: the first that changes the status is the answer. */
async function afterCancel(ingress: Ingress, task: Task): Promise<Task | undefined> {
  const { signal } = new AbortController()
  for await (const { status } of follow(ingress, task.task_id, task.version, signal))
    if (status === 'cancelling' || isTerminal(status)) break
  const log = await readLog(ingress, task.task_id)
  return log && foldEvents(log)
}
