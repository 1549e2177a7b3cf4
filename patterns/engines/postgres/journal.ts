import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import { type Entry, type Journal, journalOver, type Tail } from '../../contract/engine/journal.ts'
import type { Statement, Store } from '../_postgres/store.ts'
import { columnsOf, insertEvents, newsChannel, selectTail } from '../_postgres/task-log.ts'

/**
 * All entries in one transaction, each by itself: one whose lease or version is not the current one writes nothing.
 * The last event of a task frees it and, where a callback was asked for, puts it into the outbox.
 */
const append: Statement = {
  name: 'append',
  text: `
    with entry as (
      select * from unnest($1::text[], $2::uuid[], $3::int[], $4::int[], $5::int[], $6::bool[], $7::bool[])
        as e(task_id, owner, epoch, version, added, done, owed)
    ), fenced as (
      update task t
      set version = t.version + e.added, done = e.done, owner = case when e.done then null else t.owner end
      from entry e
      where t.task_id = e.task_id and t.owner = e.owner and t.epoch = e.epoch and t.version = e.version
      returning t.task_id, e.done and e.owed as owed
    ), logged as (${insertEvents}), owing as (
      insert into outbox (task_id) select task_id from fenced where owed
    )
    select array_agg(task_id) as written, pg_notify('${newsChannel}', string_agg(task_id, ','))
    from fenced having count(*) > 0`,
}

const readTail: Statement = {
  name: 'read_tail',
  text: `select t.owner = $2 and t.epoch = $3 as held, ${selectTail} from task t where t.task_id = $1`,
}

/** The journal of tasks under a worker's lease. */
export function openJournal(store: Store): Journal {
  return journalOver({
    write: (entries) => writeAll(store, entries),
    tail: async ({ taskId, owner, epoch }, known) => {
      const [row] = await store.query<Tail>(readTail, [taskId, owner, epoch, known.seq])
      return row ?? { held: false, tail: [] }
    },
  })
}

async function writeAll(store: Store, entries: readonly Entry[]): Promise<boolean[]> {
  const { taskIds, owners, tasks, events } = columnsOf(entries)
  const write = () => store.query<{ written: string[] }>(append, [taskIds, owners, ...tasks, ...events])
  const [row] = await withFaultPoints('postgres.append', write)
  const written = new Set(row?.written)
  return entries.map(({ claim }) => written.has(claim.taskId))
}
