import type { TaskEvent } from '../../contract/types/events.ts'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import type { NewsReader } from '../../contract/engine/feed.ts'
import { type Claim, type Entry, journalOver, type Tail } from '../../contract/engine/journal.ts'
import type { NewTask } from '../../contract/engine/task-backend.ts'
import { requestOf } from '../../contract/types/fold.ts'
import { isTerminal } from '../../contract/types/task.ts'
import type { TaskLog } from '../_bullmq/executor.ts'
import type { RedisStore } from './connection.ts'
import type { Outbox } from './outbox.ts'
import { accept, append, claim, keysOf, outboxes, readLog, readTail } from './scripts.ts'

/** An event as it is kept: with the epoch under which it was written; 0: by the API. */
interface Line {
  readonly epoch: number
  readonly body: TaskEvent
}

export function lineOf(epoch: number, body: TaskEvent): string {
  return JSON.stringify({ epoch, body } satisfies Line)
}

const parse = (line: string): Line => JSON.parse(line) as Line

/** Puts a new task on record, and that it needs a job: null, or the fingerprint of the task that has its id already. */
export function acceptTask(
  store: RedisStore,
  { taskId, fingerprint, created }: Pick<NewTask, 'taskId' | 'fingerprint' | 'created'>,
): Promise<string | null> {
  const { task, log } = keysOf(taskId)
  const values = [taskId, fingerprint, lineOf(0, created)]
  const script = () => store.run<string | null>(accept, [task, log, outboxes.tasks], values)
  return withFaultPoints('queue-redis.accept', script)
}

/** Events from an index of the log on. */
async function eventsFrom(store: RedisStore, taskId: string, index: number): Promise<readonly TaskEvent[]> {
  const lines = await store.run<string[]>(readLog, [keysOf(taskId).log], [index])
  return lines.map((line) => parse(line).body)
}

/** A task's whole log, or undefined when there is no such task. */
export function logReader(store: RedisStore) {
  return async (taskId: string): Promise<readonly TaskEvent[] | undefined> => {
    const events = await eventsFrom(store, taskId, 0)
    return events.length > 0 ? events : undefined
  }
}

/** What is new in many logs at once. The event that is known comes with it: it says where a log without news ends. */
export function newsReader(store: RedisStore): NewsReader {
  return async (asked) => {
    const found = asked.map(async ({ taskId, seq }) => {
      const events = await eventsFrom(store, taskId, Math.max(0, seq - 1))
      const last = events.at(-1)
      return last ? ([[taskId, { version: last.seq, done: isTerminal(last.status), events }]] as const) : []
    })
    return new Map((await Promise.all(found)).flat())
  }
}

/** The log as the workers write it. What a task's end owes becomes a job at once, or by the next sweep of the outbox. */
export function openTaskLog(store: RedisStore, outbox: Outbox): TaskLog {
  return {
    read: logReader(store),
    claim: async (taskId, owner) => {
      const { task, log } = keysOf(taskId)
      const fenceRuns = () => store.run<[number, string[]] | null>(claim, [task, log])
      const found = await withFaultPoints('queue-redis.claim', fenceRuns)
      if (!found) return undefined
      const [epoch, lines] = found
      return { taskId, owner, epoch, log: lines.map((line) => parse(line).body) }
    },
    journal: journalOver({
      write: async (entries) => Promise.all(entries.map((entry) => write(store, outbox, entry))),
      tail: (claim, known) => tailOf(store, claim, known),
    }),
  }
}

async function write(store: RedisStore, outbox: Outbox, { claim, version, events }: Entry): Promise<boolean> {
  const { taskId, epoch } = claim
  const { task, log } = keysOf(taskId)
  const done = isTerminal(events.at(-1)!.status)
  const owed = done && requestOf(claim.log).delivery !== undefined
  const lines = events.map((event) => lineOf(epoch, event))
  const values = [taskId, epoch, version, Number(done), Number(owed), ...lines]
  const insert = () => store.run<number>(append, [task, log, outboxes.callbacks], values)
  const written = await withFaultPoints('queue-redis.append', insert)
  if (written === 1 && owed) void outbox.add('callbacks', taskId)
  return written === 1
}

async function tailOf(store: RedisStore, { taskId, epoch }: Claim, known: TaskEvent): Promise<Tail> {
  const { task, log } = keysOf(taskId)
  const [held, lines] = await store.run<[number, string[]]>(readTail, [task, log], [epoch, known.seq])
  return { held: held === 1, tail: lines.map(parse) }
}
