import { acceptOnce, type KnownTask, type NewTask, newTask, taskIdOf } from './accept.ts'
import type { Backend, Deliveries } from './backend.ts'
import type { TaskEvent } from '../types/events.ts'
import { foldEvents } from '../types/fold.ts'
import { isTerminal, type Task } from '../types/task.ts'

/** Logs of tasks as an API node uses them: it inserts tasks, asks to cancel them, and reads. Workers do the rest. */
export interface TaskLogs extends AsyncDisposable {
  /** Store a new task. Resolves when it is as durable as it ever will be, or with the task that its key has already. */
  insert(task: NewTask): Promise<KnownTask | undefined>
  /** The whole log; undefined for an unknown task. */
  read(taskId: string): Promise<readonly TaskEvent[] | undefined>
  /** As `Backend.follow`. */
  follow(taskId: string, after: number, signal: AbortSignal): AsyncIterable<TaskEvent>
  /** Request the cancellation of a task that has not ended, given its log. False: the log has grown meanwhile, read it again. */
  requestCancel(log: readonly TaskEvent[]): Promise<boolean>
  readonly deliveries?: Deliveries
}

export interface BackendOptions {
  readonly timeScale: number
  /** The id of a new task. By default it follows from the key. */
  readonly idOf?: (key: string) => string
}

/** The backend of an engine that keeps such logs. */
export function backendOver(logs: TaskLogs, { timeScale, idOf = taskIdOf }: BackendOptions): Backend {
  const read = async (taskId: string): Promise<Task | undefined> => {
    const log = await logs.read(taskId)
    return log && foldEvents(log)
  }
  return {
    submit: (submission) =>
      acceptOnce(newTask(submission, timeScale, idOf(submission.key)), (task) => logs.insert(task)),
    read,
    events: async (taskId, after) => (await logs.read(taskId))?.slice(after),
    follow: (taskId, after, signal) => logs.follow(taskId, after, signal),
    cancel: async (taskId) => {
      for (;;) {
        const log = await logs.read(taskId)
        const status = log?.at(-1)?.status
        if (!log || !status || isTerminal(status) || status === 'cancelling') return log && foldEvents(log)
        if (await logs.requestCancel(log)) return read(taskId)
      }
    },
    ...(logs.deliveries && { deliveries: logs.deliveries }),
    [Symbol.asyncDispose]: () => logs[Symbol.asyncDispose](),
  }
}

/** Until the events after a request to cancel show what came of it: for engines that write them later. */
export async function untilCancelShows(events: AsyncIterable<TaskEvent>): Promise<void> {
  for await (const { status } of events) if (status === 'cancelling' || isTerminal(status)) return
}
