import { randomUUID } from 'node:crypto'
import { planTask } from '../../agent/plan.ts'
import type { Submission } from '../../contract/engine/backend.ts'
import type { TaskEvent } from '../../contract/types/events.ts'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import { cancelRequestedEvent, createdEvent } from '../../contract/engine/log.ts'
import { ProblemError } from '../../contract/types/problems.ts'
import { batching } from '../../contract/engine/batch.ts'
import type { NewsReader } from '../../contract/engine/feed.ts'
import type { Statement, Store } from './store.ts'

/** Task row and first event, or no row in the answer where the key has a task already. */
export const accept: Statement = {
  name: 'accept',
  text: `
    with fresh as (
      insert into task (task_id, idempotency_key, fingerprint, version) values ($1, $2, $3, 1)
      on conflict (idempotency_key) do nothing
      returning task_id
    ), logged as (
      insert into event (task_id, seq, epoch, body) select task_id, 1, 0, $4::jsonb from fresh
    )
    select task_id, pg_notify('outlast_ready', '') from fresh`,
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

const requestCancel: Statement = {
  name: 'request_cancel',
  text: `
    with asked as (
      update task set version = $2 + 1 where task_id = $1 and version = $2 and not done
      returning task_id, version
    ), logged as (
      insert into event (task_id, seq, epoch, body) select task_id, version, 0, $3::jsonb from asked
    )
    select pg_notify('outlast_events', task_id), pg_notify('outlast_cancel', task_id) from asked`,
}

/**
 * Task row and first event in one transaction, or the task that the key already has. Resolves when it is on disk.
 * `insert` is the statement, for an engine that has more to write than these.
 * After a lost answer the repetition finds its own first attempt and reports a replay, which is what it is.
 */
export async function acceptTask(
  store: Store,
  { key, fingerprint, request }: Submission,
  timeScale: number,
  insert = accept,
): Promise<{ taskId: string; created?: TaskEvent }> {
  const taskId = `task_${randomUUID()}`
  const created = createdEvent(taskId, request, planTask(request.input, timeScale), new Date())
  const values = [taskId, key, fingerprint, JSON.stringify(created)]
  const fresh = await withFaultPoints('postgres.accept', () => store.query(insert, values))
  if (fresh.length > 0) return { taskId, created }
  const [known] = await store.query<{ task_id: string; fingerprint: string }>(findByKey, [key])
  if (known?.fingerprint === fingerprint) return { taskId: known.task_id }
  throw new ProblemError('idempotency-key-reused', 'this Idempotency-Key came with another request', known?.task_id)
}

/** A task's whole log, or undefined when there is no such task. Reads that coincide become one query. */
export function logReader(store: Store): (taskId: string) => Promise<readonly TaskEvent[] | undefined> {
  return batching(async (ids: readonly string[]) => {
    const rows = await store.query<{ task_id: string; log: TaskEvent[] }>(readLogs, [[...new Set(ids)]])
    const logs = new Map(rows.map((row) => [row.task_id, row.log]))
    return ids.map((id) => logs.get(id))
  }, 500)
}

/** What is new in many logs at once. */
export function newsReader(store: Store): NewsReader {
  type Row = { task_id: string; version: number; done: boolean; news: TaskEvent[] | null }
  return async (asked) => {
    const values = [asked.map(({ taskId }) => taskId), asked.map(({ seq }) => seq)]
    const rows = await store.query<Row>(readNews, values)
    return new Map(rows.map(({ task_id, version, done, news }) => [task_id, { version, done, events: news ?? [] }]))
  }
}

/** Add the request to cancel after `head`, the last event known; false when the log has moved on meanwhile. */
export async function appendCancelRequest(store: Store, head: TaskEvent): Promise<boolean> {
  const event = cancelRequestedEvent(head, new Date())
  const values = [head.task_id, head.seq, JSON.stringify(event)]
  const asked = await withFaultPoints('postgres.cancel', () => store.query(requestCancel, values))
  return asked.length > 0
}
