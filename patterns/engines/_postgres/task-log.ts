import type { KnownTask, NewTask } from '../../contract/engine/task-backend.ts'
import { batching } from '../../contract/engine/batch.ts'
import type { TaskEvent } from '../../contract/types/events.ts'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import type { NewsReader } from '../../contract/engine/feed.ts'
import type { Entry } from '../../contract/engine/journal.ts'
import { cancelRequestedEvent, commandedEvent } from '../../contract/engine/log.ts'
import type { Command } from '../../contract/types/command.ts'
import { requestOf } from '../../contract/types/fold.ts'
import { isTerminal } from '../../contract/types/task.ts'
import type { Statement, Store } from './store.ts'
import { cancelChannel } from './sub-tasks.ts'

/** Ids of tasks with news, separated by commas. */
export const newsChannel = 'outlast_events'
/** The id of a task with a new command. */
export const commandChannel = 'outlast_command'

/** The table of events. Engines have a table `task` beside it, with what must be unique or locked about a task. */
export const eventTable = `
create table if not exists event (
  task_id text not null references task,
  seq int not null,
  -- the claim under which it was written; 0: by the API
  epoch int not null,
  body jsonb not null,
  primary key (task_id, seq)
);
`

/** Of the hold `h` (`accounts.ts`). */
export const taskHasEnded = 'exists (select from task t where t.task_id = h.task_id and t.done)'

/** Writes a task's row and first event; the answer has a row with `then`, or none where the key has a task. */
export function insertTask(name: string, then: string): Statement {
  return {
    name,
    text: `
      with fresh as (
        insert into task (task_id, idempotency_key, fingerprint, version) values ($1, $2, $3, 1)
        on conflict (idempotency_key) do nothing
        returning task_id
      ), logged as (
        insert into event (task_id, seq, epoch, body) select task_id, 1, 0, $4::jsonb from fresh
      )
      select task_id, ${then} from fresh`,
  }
}

/** Writes events of the tasks in `fenced`: $8 to $11, as `columnsOf` gives them. */
export const insertEvents = `
  insert into event (task_id, seq, epoch, body)
  select line.task_id, line.seq, line.epoch, line.body
  from unnest($8::text[], $9::int[], $10::int[], $11::jsonb[]) as line(task_id, seq, epoch, body)
  join fenced using (task_id)`

/** What comes after $4 in the log of `t`. */
export const selectTail = `
  (select coalesce(jsonb_agg(jsonb_build_object('epoch', e.epoch, 'body', e.body) order by e.seq), '[]')
   from event e where e.task_id = t.task_id and e.seq > $4) as tail`

/** Entries of a journal as statements take them, a column each: of the tasks, and then of the events. */
export function columnsOf(entries: readonly Entry[]) {
  const lines = entries.flatMap(({ claim, events }) => events.map((body) => ({ epoch: claim.epoch, body })))
  return {
    taskIds: entries.map(({ claim }) => claim.taskId),
    owners: entries.map(({ claim }) => claim.owner),
    tasks: [
      entries.map(({ claim }) => claim.epoch),
      entries.map(({ version }) => version),
      entries.map(({ events }) => events.length),
      entries.map(({ events }) => isTerminal(events.at(-1)!.status)),
      entries.map(({ claim }) => requestOf(claim.log).delivery !== undefined),
    ],
    events: [
      lines.map(({ body }) => body.task_id),
      lines.map(({ body }) => body.seq),
      lines.map(({ epoch }) => epoch),
      lines.map(({ body }) => JSON.stringify(body)),
    ],
  }
}

const findByKey: Statement = {
  name: 'find_by_key',
  text: 'select task_id, fingerprint from task where idempotency_key = $1',
}

const readLogs: Statement = {
  name: 'read_logs',
  text: `
    select task_id, array_agg(body order by seq) as log
    from event where task_id = any($1::text[]) group by task_id`,
}

const readNews: Statement = {
  name: 'read_news',
  text: `
    select t.task_id, t.version, t.done,
      (select array_agg(e.body order by e.seq) from event e where e.task_id = t.task_id and e.seq > known.seq) as news
    from unnest($1::text[], $2::int[]) as known(task_id, seq) join task t using (task_id)`,
}

/** Adds an event of the API, where the log still ends at $2. */
function appendRequest(name: string, channel: string): Statement {
  return {
    name,
    text: `
    with asked as (
      update task set version = $2 + 1 where task_id = $1 and version = $2 and not done
      returning task_id, version
    ), logged as (
      insert into event (task_id, seq, epoch, body) select task_id, version, 0, $3::jsonb from asked
    )
    select pg_notify('${newsChannel}', task_id), pg_notify('${channel}', task_id) from asked`,
  }
}

const requestCancel = appendRequest('request_cancel', cancelChannel)
const requestCommand = appendRequest('request_command', commandChannel)

export type LogReader = (taskId: string) => Promise<readonly TaskEvent[] | undefined>

/** Write a new task by a statement of `insertTask`. Resolves when it is on disk, or with the task that its key has already. */
export async function insertOnce(
  store: Store,
  insert: Statement,
  readLog: LogReader,
  { taskId, key, fingerprint, created }: NewTask,
): Promise<KnownTask | undefined> {
  const values = [taskId, key, fingerprint, JSON.stringify(created)]
  const fresh = await withFaultPoints('postgres.accept', () => store.query(insert, values))
  if (fresh.length > 0) return undefined
  const [known] = await store.query<{ task_id: string; fingerprint: string }>(findByKey, [key])
  return { fingerprint: known!.fingerprint, log: (await readLog(known!.task_id))! }
}

/** A task's whole log, or undefined when there is no such task. Reads that coincide become one query. */
export function logReader(store: Store): LogReader {
  return batching(async (ids: readonly string[]) => {
    const rows = await store.query<{ task_id: string; log: TaskEvent[] }>(readLogs, [[...new Set(ids)]])
    const logs = new Map(rows.map((row) => [row.task_id, row.log]))
    return ids.map((id) => logs.get(id))
  }, 500)
}

export function newsReader(store: Store): NewsReader {
  type Row = { task_id: string; version: number; done: boolean; news: TaskEvent[] | null }
  return async (asked) => {
    const values = [asked.map(({ taskId }) => taskId), asked.map(({ seq }) => seq)]
    const rows = await store.query<Row>(readNews, values)
    return new Map(rows.map(({ task_id, version, done, news }) => [task_id, { version, done, events: news ?? [] }]))
  }
}

/** Add the request to cancel after `head`, the last event known; false when the log has moved on meanwhile. */
export function appendCancelRequest(store: Store, head: TaskEvent): Promise<boolean> {
  return withFaultPoints('postgres.cancel', () => append(store, requestCancel, cancelRequestedEvent(head, new Date())))
}

/** Add a command likewise. */
export async function appendCommand(store: Store, head: TaskEvent, command: Command): Promise<'recorded' | 'stale'> {
  const event = commandedEvent(head, command, new Date())
  const written = await withFaultPoints('postgres.command', () => append(store, requestCommand, event))
  return written ? 'recorded' : 'stale'
}

async function append(store: Store, request: Statement, event: TaskEvent): Promise<boolean> {
  return (await store.query(request, [event.task_id, event.seq - 1, JSON.stringify(event)])).length > 0
}
