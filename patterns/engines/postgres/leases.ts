import { randomUUID } from 'node:crypto'
import pg from 'pg'
import type { TaskEvent } from '../../contract/types/events.ts'
import { faultPoint, withFaultPoints } from '../../contract/engine/fault-point.ts'
import { type Claim, LeaseLost } from '../../contract/engine/journal.ts'
import type { Statement, Store } from '../_postgres/store.ts'

const enrol: Statement = {
  name: 'enrol',
  text: `
    insert into worker (worker_id, node, lease_until) values ($1, $2, now() + $3 * interval '1 ms')
    on conflict (worker_id) do nothing`,
}

const renew: Statement = {
  name: 'renew',
  text: `update worker set lease_until = now() + $2 * interval '1 ms' where worker_id = $1 returning worker_id`,
}

/** Only a worker with a valid lease evicts: a delayed eviction could follow an outage in which all leases expired. */
const evict: Statement = {
  name: 'evict',
  text: `
    delete from worker expired using worker self
    where expired.lease_until < now() and self.worker_id = $1 and self.lease_until >= now()
    returning expired.worker_id`,
}

const resign: Statement = { name: 'resign', text: 'delete from worker where worker_id = $1' }

/**
 * $3: what this worker knows that it holds. A task of ours that is not among them was claimed by an answer that got
 * lost. $4: the worker's count of claims. A firewall that drops packets for a while lets them through later. Then a
 * claim that was given up long ago arrives, and must not take what was claimed after it.
 */
const claim: Statement = {
  name: 'claim',
  text: `
    with waiting as (
      select task_id from task where owner is null and not done
      order by accepted_at limit $2 for update skip locked
    ), unheard as (
      select task_id from task where owner = $1 and task_id <> all($3::text[]) and claimed_in < $4
    ), claimed as (
      update task set owner = $1, epoch = epoch + 1, claimed_in = $4
      where task_id in (select task_id from waiting union all select task_id from unheard)
      returning task_id, epoch
    )
    select task_id, epoch, (select array_agg(body order by seq) from event where event.task_id = claimed.task_id) as log
    from claimed`,
}

/** Enter a new worker; returns its id, which is its own for this life only. */
export async function enrolWorker(store: Store, node: string, leaseMs: number): Promise<string> {
  const workerId = randomUUID()
  await withFaultPoints('postgres.enrol', () => store.query(enrol, [workerId, node, leaseMs]))
  return workerId
}

/** One update for everything the worker holds. False: it was evicted, and holds nothing any more. */
export async function renewLease(store: Store, workerId: string, leaseMs: number): Promise<boolean> {
  return (await withFaultPoints('postgres.renew', () => store.query(renew, [workerId, leaseMs]))).length > 0
}

/** Free what expired workers held; returns how many there were. */
export async function evictExpired(store: Store, workerId: string): Promise<number> {
  return (await withFaultPoints('postgres.evict', () => store.query(evict, [workerId]))).length
}

/** Free what this worker holds: anybody may take it at once. */
export async function resignWorker(store: Store, workerId: string): Promise<void> {
  await withFaultPoints('postgres.resign', () => store.query(resign, [workerId]))
}

/**
 * Take up to `most` waiting tasks, the oldest first; workers that claim at the same time skip each other's rows. `turn`
 * grows with every call of a worker. Throws LeaseLost when this worker was evicted.
 */
export async function claimTasks(
  store: Store,
  { owner, most, held, turn }: { owner: string; most: number; held: readonly string[]; turn: number },
): Promise<readonly Claim[]> {
  type Row = { task_id: string; epoch: number; log: TaskEvent[] }
  faultPoint('postgres.claim.before')
  const rows = await store.query<Row>(claim, [owner, most, held, turn]).catch(rethrowEviction)
  if (rows.length > 0) faultPoint('postgres.claim.after')
  return rows.map(({ task_id, epoch, log }) => ({ taskId: task_id, owner, epoch, log }))
}

/** `owner` references the worker's row: one that is gone can own nothing. */
export function rethrowEviction(error: unknown): never {
  if (error instanceof pg.DatabaseError && error.code === '23503')
    throw new LeaseLost('this worker was evicted', { cause: error })
  throw error
}
