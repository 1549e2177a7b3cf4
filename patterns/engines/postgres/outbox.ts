import type { Notify } from '../../contract/backend.ts'
import type { TaskEvent } from '../../contract/events.ts'
import { foldEvents, requestOf } from '../../contract/log.ts'
import { rethrowEviction } from './leases.ts'
import type { Statement, Store } from './store.ts'

const take: Statement = {
  name: 'take_owed',
  text: `
    with owed as (
      select task_id from outbox where owner is null limit $2 for update skip locked
    ), unheard as (
      select task_id from outbox where owner = $1 and task_id <> all($3::text[])
    ), taken as (
      update outbox set owner = $1
      where task_id in (select task_id from owed union all select task_id from unheard)
      returning task_id
    )
    select task_id, (select array_agg(body order by seq) from event where event.task_id = taken.task_id) as log
    from taken`,
}

const settle: Statement = { name: 'settle_owed', text: 'delete from outbox where task_id = $1' }

const atOnce = 100

export interface Outbox {
  /** Take what is owed and begin to deliver it. Throws LeaseLost when `owner` was evicted. */
  sweep(owner: string): Promise<void>
  /** Resolves when nothing is being delivered. */
  idle(): Promise<void>
}

/**
 * Delivers what ended tasks owe. A row is taken under the worker's lease, so that one that dies in the middle leaves it
 * to the others: a callback is posted at least once, unless the delivery itself gives up.
 */
export function openOutbox(store: Store, notify: Notify): Outbox {
  const held = new Map<string, Promise<void>>()

  async function deliver(taskId: string, log: readonly TaskEvent[]): Promise<void> {
    await notify(foldEvents(log), requestOf(log))
    await store.query(settle, [taskId])
  }

  return {
    sweep: async (owner) => {
      const room = atOnce - held.size
      if (room <= 0) return
      type Owed = { task_id: string; log: TaskEvent[] }
      const taken = await store.query<Owed>(take, [owner, room, [...held.keys()]]).catch(rethrowEviction)
      for (const { task_id, log } of taken) {
        // Left in the table when it fails: whoever owns the row next tries again.
        const delivery = deliver(task_id, log).catch(() => {})
        held.set(
          task_id,
          delivery.finally(() => held.delete(task_id)),
        )
      }
    },
    idle: async () => void (await Promise.all(held.values())),
  }
}
