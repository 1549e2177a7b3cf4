import { refuseAccounts } from '../../contract/engine/accounts.ts'
import { taskIdOf, backendOver, type TaskLogs, untilCancelShows } from '../../contract/engine/task-backend.ts'
import { withAddresses, type NodeSettings } from '../../contract/types/settings.ts'
import type { Backend } from '../../contract/engine/backend.ts'
import { isOnRecord } from '../../contract/engine/commands.ts'
import type { Command } from '../../contract/types/command.ts'
import type { TaskEvent } from '../../contract/types/events.ts'
import { subTasksIn } from '../../contract/engine/sub-tasks.ts'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import { ProblemError } from '../../contract/types/problems.ts'
import { isTerminal } from '../../contract/types/task.ts'
import type { Pace } from '../../contract/types/timeouts.ts'
import { timeLimit } from '../../contract/types/timer.ts'
import { timingAt } from '../../contract/types/timing.ts'
import { Frontend } from './frontend.ts'
import { acceptedOf, placeOf } from './protocol.ts'

/** The API's side: a client of the server and nothing else. It reads histories, so it needs no worker for an answer. */
export async function openBackend(node: NodeSettings): Promise<Backend> {
  refuseAccounts(node)
  const settings = withAddresses(node, 'engineUrl')
  const place = placeOf(settings.engineUrl)
  const logs = openHistories(new Frontend(place, timingAt(settings.timeScale)), settings)
  return backendOver(logs, { ...settings, idOf: (key) => taskIdOf(place.space + key) })
}

function openHistories(frontend: Frontend, pace: Pace): TaskLogs {
  return {
    insert: async (task) => {
      const start = () => frontend.start(task.taskId, acceptedOf(task, pace))
      if (await withFaultPoints('temporal.start', start)) return undefined
      const { accepted, events } = (await frontend.read(task.taskId))!
      return { fingerprint: accepted.fingerprint, log: events }
    },
    read: async (taskId) => (await frontend.read(taskId))?.events,
    follow: (taskId, after, signal) => follow(frontend, taskId, after, signal),
    // The request is on record then, but a decision under way comes first: wait until the log shows the answer.
    requestCancel: async (log) => {
      const { task_id, seq } = log.at(-1)!
      await withFaultPoints('temporal.cancel', () => frontend.cancel(task_id))
      await untilCancelShows((signal) => follow(frontend, task_id, seq, signal))
      return true
    },
    cancelSubTasks: (taskId) => cancelFamily(frontend, taskId),
    requestCommand: async (log, command) => {
      const { task_id, seq } = log.at(-1)!
      if (!(await withFaultPoints('temporal.command', () => frontend.signal(task_id, command)))) return 'stale'
      const shown = await placeOfCommand(follow(frontend, task_id, seq, timeLimit(patienceMs)), command)
      if (shown) return shown
      throw new ProblemError(
        'interrupted',
        'the command is durable, but does not show yet: it may be too late',
        task_id,
      )
    },
    [Symbol.asyncDispose]: () => frontend[Symbol.asyncDispose](),
  }
}

/** Longer than a decision takes whose worker has died. What is signalled meanwhile has its place in the history after it. */
const patienceMs = 15_000

/** `stale`: the task's end came first. Undefined: neither has shown in time. Throws `command-id-reused`, as `isOnRecord`. */
async function placeOfCommand(
  events: AsyncIterable<TaskEvent>,
  command: Command,
): Promise<'recorded' | 'stale' | undefined> {
  for await (const event of events) {
    if (isOnRecord([event], command)) return 'recorded'
    if (event.status === 'cancelling' || isTerminal(event.status)) return 'stale'
  }
  return undefined
}

/**
 * Who starts sub-tasks is noted as cancelled first: those below ask for that before they begin. Then each one below is cancelled
 * that a log names, before its own log is read. So one that is named later begins after the note.
 */
async function cancelFamily(frontend: Frontend, taskId: string): Promise<void> {
  const log = await frontend.read(taskId)
  if (!log || log.accepted.spawningSteps.length === 0) return
  await frontend.noteCancelled(taskId)
  await cancelBelow(frontend, taskId)
}

async function cancelBelow(frontend: Frontend, taskId: string): Promise<void> {
  const log = await frontend.read(taskId)
  for (const subTask of subTasksIn(log?.events ?? [])) {
    await frontend.cancel(subTask)
    await cancelBelow(frontend, subTask)
  }
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
