import { withAddresses, type NodeSettings } from '../../contract/types/settings.ts'
import type { Notify } from '../../contract/types/callback.ts'
import { openAccounts } from '../../contract/engine/accounts.ts'
import { answerHealth } from '../../contract/engine/health.ts'
import type { NewTask } from '../../contract/engine/task-backend.ts'
import { completedSteps } from '../../contract/types/fold.ts'
import { within } from '../../contract/engine/wakeup.ts'
import { openWorkplace } from '../../contract/engine/workplace.ts'
import { listen } from '../_postgres/listener.ts'
import { openAccountStore } from '../_postgres/accounts.ts'
import { openStore, type Statement, type Store } from '../_postgres/store.ts'
import { cancelChannel, openSubTasks } from '../_postgres/sub-tasks.ts'
import {
  columnsOf,
  commandChannel,
  insertEvents,
  insertOnce,
  logReader,
  newsChannel,
  selectTail,
  taskHasEnded,
} from '../_postgres/task-log.ts'
import { ActiveTasks } from './active-tasks.ts'
import { accept, createSchema, readyChannel } from './schema.ts'
import { timingOf } from './engine.ts'
import { WorkerLease } from './worker-lease.ts'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import { type Entry, type Journal, journalOver, type Tail } from '../../contract/engine/journal.ts'

/**
 * An executor: claims waiting tasks, runs hundreds at a time, delivers what ended tasks owe. Disposing drains it: no
 * more claims, steps in flight get a moment to end, then everything it holds is free for others.
 */
export async function startWorker(node: NodeSettings, notify: Notify): Promise<AsyncDisposable> {
  const settings = withAddresses(node, 'storeUrl', 'toolsUrl')
  const { storeUrl: url } = settings
  const timing = timingOf(settings)
  const store = openStore({ url, timing, connections: 6, patienceMs: Infinity })
  await createSchema(store)
  const accounts = await openAccounts(settings, (given) => openAccountStore(store, given, taskHasEnded))
  const read = logReader(store)
  const acceptTask = (task: NewTask) => insertOnce(store, accept, read, task)
  const subTasks = { ...openSubTasks(store, settings), accept: acceptTask }
  const workplace = { ...openWorkplace(settings, timing, 64), accounts, subTasks }
  const place = { ...workplace, journal: openJournal(store), resumption: completedSteps }
  const lease = await WorkerLease.enrol(store, settings.node, timing)
  const active = new ActiveTasks({ store, place, lease, notify })
  lease.keep({ onEvicted: () => active.abandonAll(), onFreed: () => active.look() })
  const listener = listen({
    url,
    timing,
    channels: [readyChannel, cancelChannel, commandChannel],
    onNotification: (channel, taskId) => {
      if (channel === cancelChannel) active.cancel(taskId)
      else if (channel === commandChannel) active.tell(taskId)
      else active.look()
    },
    onUp: () => active.look(),
  })
  const health = await answerHealth(settings)
  return {
    [Symbol.asyncDispose]: async () => {
      health.close()
      await active.drain(timing.drainMs)
      await within(timing.drainMs, lease[Symbol.asyncDispose]())
      await listener[Symbol.asyncDispose]()
      await Promise.all([store[Symbol.asyncDispose](), place.dispatcher.destroy()])
    },
  }
}

/** Each entry by itself, under its lease and version. The last event frees the task and owes its callback. */
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
function openJournal(store: Store): Journal {
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
