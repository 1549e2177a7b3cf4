import { withAddresses } from '../../contract/engine/addresses.ts'
import type { Backend } from '../../contract/engine/backend.ts'
import type { NodeSettings } from '../../contract/types/settings.ts'
import type { TaskEvent } from '../../contract/types/events.ts'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import { isTerminal } from '../../contract/types/task.ts'
import { backendOver, type TaskLogs, untilCancelShows } from '../../contract/engine/task-backend.ts'
import { timingAt } from '../../contract/types/timing.ts'
import { Ingress } from './ingress.ts'
import type { Snapshot } from './protocol.ts'

/** The API's side: a client of the server's ingress and nothing else. It keeps no state and needs no worker to accept. */
export async function openBackend(settings: NodeSettings): Promise<Backend> {
  const { engineUrl, timeScale } = withAddresses(settings, 'engineUrl')
  return backendOver(openWorkflows(new Ingress(engineUrl, timingAt(timeScale))), { timeScale })
}

function openWorkflows(ingress: Ingress): TaskLogs {
  return {
    insert: async ({ taskId, created, fingerprint }) => {
      const send = () => ingress.send(taskId, { created, fingerprint })
      return (await withFaultPoints('restate.send', send)) ? undefined : readStarted(ingress, taskId)
    },
    read: (taskId) => readLog(ingress, taskId),
    follow: (taskId, after, signal) => follow(ingress, taskId, after, signal),
    // The run answers with events.
    requestCancel: async (log) => {
      const { task_id, seq } = log.at(-1)!
      await withFaultPoints('restate.cancel', () => ingress.cancel(task_id))
      await untilCancelShows(follow(ingress, task_id, seq, new AbortController().signal))
      return true
    },
    [Symbol.asyncDispose]: () => ingress[Symbol.asyncDispose](),
  }
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
