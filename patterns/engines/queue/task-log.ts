import { runMigrations } from 'bullmq'
import pg from 'pg'
import type { Pace } from '../../contract/types/timeouts.ts'
import { timingAt } from '../../contract/types/timing.ts'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import { type Entry, journalOver, type Tail } from '../../contract/engine/journal.ts'
import type { TaskLog } from '../_bullmq/executor.ts'
import { attempts, queueNames } from '../_bullmq/queues.ts'
import { timingOf } from '../_bullmq/declaration.ts'
import { type Statement, type Store, connectionOptions, createTables, databaseRetry } from '../_postgres/store.ts'
import {
  columnsOf,
  insertEvents,
  insertTask,
  logReader,
  newsChannel,
  selectTail,
  eventTable,
} from '../_postgres/task-log.ts'
import { cancelledTable } from '../_postgres/sub-tasks.ts'
import { retryUntilReached } from '../../contract/engine/reach.ts'
import type { StoreTiming } from '../../contract/engine/store-timeouts.ts'

/** The queue's own tables are in the schema `bullmq`; these say what the tasks are. Columns as in the postgres engine. */
const tables = `
create table if not exists task (
  task_id text primary key,
  idempotency_key text not null unique,
  fingerprint text not null,
  -- seq of the last event: every append compares and sets it
  version int not null,
  done boolean not null default false,
  -- fencing token: grows with every run of the job, and every append names the one it was given
  epoch int not null default 0
);
${eventTable}${cancelledTable}`

/** Create what is missing, the queue's tables and ours. Safe to call from many processes at once. */
export async function createSchema(store: Store, url: string, timing: StoreTiming): Promise<void> {
  await createTables(store, 'queue', tables)
  await retryUntilReached(() => migrateQueue(url, timing), databaseRetry(timing, Infinity))
}

/** The library wants a connection of its own for it. */
async function migrateQueue(url: string, timing: StoreTiming): Promise<void> {
  const client = new pg.Client(connectionOptions(url, timing))
  client.on('error', () => {})
  try {
    await client.connect()
    await runMigrations(client)
  } finally {
    void client.end().catch(() => {})
  }
}

const nowMs = '(extract(epoch from clock_timestamp()) * 1000)::bigint'

/** What `Queue.add(queue, {}, { jobId: task_id })` does, in our own statement: job and task are one transaction. */
export function addJob(queue: string, { timeScale }: Pick<Pace, 'timeScale'>): string {
  const backoff = { type: 'exponential', delay: timingAt(timeScale).backoffBaseMs }
  const options = `jsonb_build_object('jobId', task_id) || '${JSON.stringify({ attempts, backoff })}'`
  const unrelated = 'null, null, null, null, null, false'
  return `bullmq.add_job('${queue}', task_id, '${queue}', '{}', ${options}, 0, 0, ${nowMs}, ${attempts}, ${unrelated})`
}

/** Task, first event and job, in one transaction. */
export function insertWithJob(pace: Pace): Statement {
  return insertTask('accept_with_job', addJob(queueNames.tasks, pace))
}

/** The job is still locked by this run, or the queue has failed it for good. */
const heldBy = (taskId: string, token: string) =>
  `job.queue = '${queueNames.tasks}' and job.id = ${taskId} and (job.lock_token = ${token} or job.state = 'failed')`

/**
 * All entries in one transaction, each by itself; the last event of a task adds the job of its callback, where one is owed.
 * `going` are those that were written and whose run can go on: the library renews a lock at half of it, so that one with
 * less than a quarter left is late, and after this event a step would begin that the next run begins too. Locks are only read
 * here: the library updates many jobs at a time, and two transactions that lock them in different orders wait for each other.
 */
function appendWithJob(pace: Pace): Statement {
  const lateAtMs = `${nowMs} + ${timingOf(pace).lockMs / 4}`
  return {
    name: 'append_with_job',
    text: `
      with entry as (
        select * from unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::int[], $6::bool[], $7::bool[])
          as e(task_id, token, epoch, version, added, done, owed)
      ), fenced as (
        update task t set version = t.version + e.added, done = e.done from entry e
        where t.task_id = e.task_id and t.epoch = e.epoch and t.version = e.version and not t.done
        returning t.task_id, e.token, e.done and e.owed as owed
      ), logged as (${insertEvents}), going as (
        select task_id from fenced join bullmq.job on ${heldBy('task_id', 'token')}
        where coalesce(job.locked_until_ms > ${lateAtMs}, true)
      )
      select (select array_agg(task_id) from going) as going, pg_notify('${newsChannel}', string_agg(task_id, ',')),
        count(case when owed then ${addJob(queueNames.callbacks, pace)} end)
      from fenced having count(*) > 0`,
  }
}

const fenceOff: Statement = {
  name: 'fence_off',
  text: `
    update task set epoch = epoch + 1
    where task_id = $1 and not done and exists (select from bullmq.job where ${heldBy('task_id', '$2')})
    returning epoch`,
}

/** Asked when an append was refused, or late. It renews the lock, as the library does: with the token, however late. */
function readTail(pace: Pace): Statement {
  return {
    name: 'read_tail_of_run',
    text: `
      with held as (
        update bullmq.job set locked_until_ms = ${nowMs} + ${timingOf(pace).lockMs} where ${heldBy('$1', '$2')} returning id
      )
      select t.epoch = $3 and exists (select from held) as held, ${selectTail}
      from task t where t.task_id = $1`,
  }
}

export function openTaskLog(store: Store, pace: Pace): TaskLog {
  const read = logReader(store)
  const append = appendWithJob(pace)
  const tail = readTail(pace)
  return {
    read,
    claim: async (taskId, owner) => {
      const fenceRuns = () => store.query<{ epoch: number }>(fenceOff, [taskId, owner])
      const [fence] = await withFaultPoints('queue.claim', fenceRuns)
      // Read once no earlier run can write any more.
      return fence && { taskId, owner, epoch: fence.epoch, log: (await read(taskId))! }
    },
    journal: journalOver({
      write: (entries) => writeAll(store, append, entries),
      tail: async ({ taskId, owner, epoch }, known) => {
        const [row] = await store.query<Tail>(tail, [taskId, owner, epoch, known.seq])
        return row ?? { held: false, tail: [] }
      },
    }),
  }
}

async function writeAll(store: Store, append: Statement, entries: readonly Entry[]): Promise<boolean[]> {
  const { taskIds, owners: tokens, tasks, events } = columnsOf(entries)
  const write = () => store.query<{ going: string[] | null }>(append, [taskIds, tokens, ...tasks, ...events])
  const [row] = await withFaultPoints('queue.append', write)
  const going = new Set(row?.going)
  return entries.map(({ claim }) => going.has(claim.taskId))
}
