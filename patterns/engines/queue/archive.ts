import type { Pace } from '../../contract/timeouts.ts'
import { timingAt } from '../../contract/timing.ts'
import type { TaskEvent } from '../../contract/events.ts'
import { withFaultPoints } from '../../contract/fault-point.ts'
import { columnsOf, type Entry, journalOver, type Tail } from '../postgres/journal.ts'
import type { Claim } from '../postgres/leases.ts'
import type { Statement, Store } from '../postgres/store.ts'
import { logReader } from '../postgres/tasks.ts'
import type { TaskLog } from './executor.ts'
import { attempts, queueNames } from './queues.ts'

/**
 * What `Queue.add(queue, {}, { jobId: task_id, attempts, backoff })` calls, as a part of our own statement: so the job and
 * what it is for are one transaction. `task_id` is a column of the statement around it.
 */
export function addJob(queue: string, { timeScale }: Pick<Pace, 'timeScale'>): string {
  const backoff = { type: 'exponential', delay: timingAt(timeScale).backoffBaseMs }
  const options = `jsonb_build_object('jobId', task_id) || '${JSON.stringify({ attempts, backoff })}'`
  const nowMs = '(extract(epoch from clock_timestamp()) * 1000)::bigint'
  const unrelated = 'null, null, null, null, null, false'
  return `bullmq.add_job('${queue}', task_id, '${queue}', '{}', ${options}, 0, 0, ${nowMs}, ${attempts}, ${unrelated})`
}

/** Task, first event and job, in one transaction. */
export function insertWithJob(pace: Pace): Statement {
  return {
    name: 'accept_with_job',
    text: `
      with fresh as (
        insert into task (task_id, idempotency_key, fingerprint, version) values ($1, $2, $3, 1)
        on conflict (idempotency_key) do nothing
        returning task_id
      ), logged as (
        insert into event (task_id, seq, epoch, body) select task_id, 1, 0, $4::jsonb from fresh
      )
      select task_id, ${addJob(queueNames.tasks, pace)} from fresh`,
  }
}

/** All entries in one transaction, each by itself; the last event of a task adds the job of its callback, where one is owed. */
function appendWithJob(pace: Pace): Statement {
  return {
    name: 'append_with_job',
    text: `
      with entry as (
        select * from unnest($1::text[], $2::int[], $3::int[], $4::int[], $5::bool[], $6::bool[])
          as e(task_id, epoch, version, added, done, owed)
      ), fenced as (
        update task t set version = t.version + e.added, done = e.done from entry e
        where t.task_id = e.task_id and t.epoch = e.epoch and t.version = e.version and not t.done
        returning t.task_id, e.done and e.owed as owed
      ), logged as (
        insert into event (task_id, seq, epoch, body)
        select line.task_id, line.seq, line.epoch, line.body
        from unnest($7::text[], $8::int[], $9::int[], $10::jsonb[]) as line(task_id, seq, epoch, body)
        join fenced using (task_id)
      )
      select array_agg(task_id) as written, pg_notify('outlast_events', string_agg(task_id, ',')),
        count(case when owed then ${addJob(queueNames.callbacks, pace)} end)
      from fenced having count(*) > 0`,
  }
}

const fenceOff: Statement = {
  name: 'fence_off',
  text: 'update task set epoch = epoch + 1 where task_id = $1 and not done returning epoch',
}

const readTail: Statement = {
  name: 'read_tail_of_run',
  text: `
    select t.epoch = $2 as held,
      (select coalesce(jsonb_agg(jsonb_build_object('epoch', e.epoch, 'body', e.body) order by e.seq), '[]')
       from event e where e.task_id = t.task_id and e.seq > $3) as tail
    from task t where t.task_id = $1`,
}

export function openTaskLog(store: Store, pace: Pace): TaskLog {
  const read = logReader(store)
  const append = appendWithJob(pace)
  return {
    read,
    claim: async (taskId, owner) => {
      const fenceRuns = () => store.query<{ epoch: number }>(fenceOff, [taskId])
      const [fence] = await withFaultPoints('queue.claim', fenceRuns)
      // Read after nobody else can write any more.
      return fence && { taskId, owner, epoch: fence.epoch, log: (await read(taskId))! }
    },
    journal: journalOver({
      write: (entries) => writeAll(store, append, entries),
      tail: (claim, known) => tailOf(store, claim, known),
    }),
  }
}

async function writeAll(store: Store, append: Statement, entries: readonly Entry[]): Promise<boolean[]> {
  const { taskIds, tasks, events } = columnsOf(entries)
  const write = () => store.query<{ written: string[] }>(append, [taskIds, ...tasks, ...events])
  const [row] = await withFaultPoints('queue.append', write)
  const written = new Set(row?.written)
  return entries.map(({ claim }) => written.has(claim.taskId))
}

async function tailOf(store: Store, { taskId, epoch }: Claim, known: TaskEvent): Promise<Tail> {
  const [row] = await store.query<Tail>(readTail, [taskId, epoch, known.seq])
  return row ?? { held: false, tail: [] }
}
