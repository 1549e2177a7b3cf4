import type { TaskEvent } from '../../contract/types/events.ts'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import { requestOf } from '../../contract/engine/log.ts'
import { isTerminal } from '../../contract/types/task.ts'
import { batching } from '../../contract/engine/batch.ts'
import { type Claim, LeaseLost } from './leases.ts'
import type { Statement, Store } from '../_postgres/store.ts'

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
    ), logged as (
      insert into event (task_id, seq, epoch, body)
      select line.task_id, line.seq, line.epoch, line.body
      from unnest($8::text[], $9::int[], $10::int[], $11::jsonb[]) as line(task_id, seq, epoch, body)
      join fenced using (task_id)
    ), owing as (
      insert into outbox (task_id) select task_id from fenced where owed
    )
    select array_agg(task_id) as written, pg_notify('outlast_events', string_agg(task_id, ','))
    from fenced having count(*) > 0`,
}

const readTail: Statement = {
  name: 'read_tail',
  text: `
    select t.owner = $2 and t.epoch = $3 as held,
      (select coalesce(jsonb_agg(jsonb_build_object('epoch', e.epoch, 'body', e.body) order by e.seq), '[]')
       from event e where e.task_id = t.task_id and e.seq > $4) as tail
    from task t where t.task_id = $1`,
}

export interface Entry {
  readonly claim: Claim
  /** The version that it continues. */
  readonly version: number
  readonly events: readonly TaskEvent[]
}

/** What continues a log: given its last event, which may be a newer one when the API has written meanwhile. */
export type Continuation = (head: TaskEvent) => readonly TaskEvent[]

export interface Journal {
  /**
   * Append what `next` makes of `head`, in one transaction that only the current lease can make; returns the new head.
   * A lost answer, or an event of the API in between, is found out and dealt with. Throws LeaseLost.
   */
  append(claim: Claim, head: TaskEvent, next: Continuation): Promise<TaskEvent>
  /** The last event now. Throws LeaseLost. */
  head(claim: Claim, known: TaskEvent): Promise<TaskEvent>
}

/** What is written after a place in a log, each event with the epoch under which it was. */
export interface Tail {
  /** The claim is still the current one. */
  readonly held: boolean
  readonly tail: readonly { readonly epoch: number; readonly body: TaskEvent }[]
}

/** Where a journal's logs are kept. */
export interface Archive {
  /** On disk then, each entry by itself. False: its claim or version is not the current one, or its lease may be over. */
  write(entries: readonly Entry[]): Promise<readonly boolean[]>
  tail(claim: Claim, known: TaskEvent): Promise<Tail>
}

export function openJournal(store: Store): Journal {
  return journalOver({
    write: (entries) => writeAll(store, entries),
    tail: (claim, known) => tailOf(store, claim, known),
  })
}

/** Appends that coincide go together: hundreds of tasks share a commit, and its wait for the disk. */
export function journalOver(archive: Archive): Journal {
  const write = batching(archive.write, 100)

  async function appendAfter(claim: Claim, head: TaskEvent, next: Continuation): Promise<TaskEvent> {
    const events = next(head)
    if (await write({ claim, version: head.seq, events })) return events.at(-1)!
    const { held, tail } = await archive.tail(claim, head)
    // Ours already: only this lease writes under this epoch, so the answer to an earlier try was lost. Without the lease only
    // an end stands: after any other event a step would begin that is somebody else's by now.
    const ours = tail[0]?.epoch === claim.epoch
    if (ours && (held || isTerminal(events.at(-1)!.status))) return events.at(-1)!
    if (!held) throw new LeaseLost(`task ${claim.taskId} went to another worker`)
    const newer = tail.at(-1)?.body
    if (!newer) throw new Error(`task ${claim.taskId}: nothing contradicts the append, and yet it was refused`)
    return appendAfter(claim, newer, next)
  }

  return {
    append: appendAfter,
    head: async (claim, known) => {
      const { held, tail } = await archive.tail(claim, known)
      if (!held) throw new LeaseLost(`task ${claim.taskId} went to another worker`)
      return tail.at(-1)?.body ?? known
    },
  }
}

/** Entries as a statement takes them, a column each: of the tasks, and then of the events. */
export function columnsOf(entries: readonly Entry[]) {
  const lines = entries.flatMap(({ claim, events }) => events.map((body) => ({ epoch: claim.epoch, body })))
  return {
    taskIds: entries.map(({ claim }) => claim.taskId),
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

async function writeAll(store: Store, entries: readonly Entry[]): Promise<boolean[]> {
  const { taskIds, tasks, events } = columnsOf(entries)
  const owners = entries.map(({ claim }) => claim.owner)
  const write = () => store.query<{ written: string[] }>(append, [taskIds, owners, ...tasks, ...events])
  const [row] = await withFaultPoints('postgres.append', write)
  const written = new Set(row?.written)
  return entries.map(({ claim }) => written.has(claim.taskId))
}

async function tailOf(store: Store, { taskId, owner, epoch }: Claim, known: TaskEvent): Promise<Tail> {
  const [row] = await store.query<Tail>(readTail, [taskId, owner, epoch, known.seq])
  return row ?? { held: false, tail: [] }
}
