import type { CallbackAttempt, Notify } from '../../contract/types/callback.ts'
import type { TaskEvent } from '../../contract/types/events.ts'
import { faultPoint, withFaultPoints } from '../../contract/engine/fault-point.ts'
import { foldEvents, requestOf } from '../../contract/types/fold.ts'
import type { Statement, Store } from '../_postgres/store.ts'
import { rethrowEviction } from './leases.ts'

/** $3, $4: as in a claim of tasks. A row without a due time, which waits for a replay, comes first. */
const take: Statement = {
  name: 'take_owed',
  text: `
    with owed as (
      select task_id from outbox where owner is null and (replay or due_at <= now())
      order by due_at nulls first limit $2 for update skip locked
    ), unheard as (
      select task_id from outbox where owner = $1 and task_id <> all($3::text[]) and taken_in < $4
    ), taken as (
      update outbox set owner = $1, epoch = epoch + 1, taken_in = $4
      where task_id in (select task_id from owed union all select task_id from unheard)
      returning task_id, epoch, replay, attempts
    )
    select task_id, epoch, replay as manual, attempts as earlier, log,
      exists (select from gone_endpoint where url = log[1] #>> '{data,request,delivery,webhook_url}') as is_gone
    from taken, lateral (select array_agg(body order by seq) as log from event where event.task_id = taken.task_id) history`,
}

/**
 * Record an attempt and let the row go, and with it what the endpoint $8 said of itself by $9: `gone`, or by accepting it.
 * Under another owner or epoch, or repeated, it changes nothing. $6: null keeps both.
 */
const settle: Statement = {
  name: 'settle_owed',
  text: `
    with settled as (
      update outbox set owner = null, attempts = attempts || $4::jsonb, replay = replay and not $5::boolean,
        status = coalesce($6::text, status),
        due_at = case when $6::text is null then due_at else now() + $7::int * interval '1 ms' end
      where task_id = $1 and owner = $2 and epoch = $3
      returning task_id
    ), disabled as (
      insert into gone_endpoint (url) select $8::text from settled where $9::text = 'gone' on conflict do nothing
    )
    delete from gone_endpoint using settled where url = $8::text and $9::text = 'delivered'`,
}

/** Attempts at a time: what waits for its next one takes no place. */
const atOnce = 100

interface Owed {
  readonly task_id: string
  readonly epoch: number
  readonly manual: boolean
  readonly earlier: readonly CallbackAttempt[]
  readonly log: readonly TaskEvent[]
  readonly is_gone: boolean
}

export interface Outbox {
  /** Take what is due and begin to attempt it. Throws LeaseLost when `owner` was evicted. */
  sweep(owner: string): Promise<void>
  /** Resolves when nothing is being attempted. */
  idle(): Promise<void>
}

/**
 * Attempts what ended tasks owe. A row is taken under the worker's lease for one attempt, and then goes back with the
 * attempt on record and the time of the next: a worker that dies in the middle leaves the schedule to the others, where it
 * was. An attempt of which no record was made is made again. It calls `lookAgain` with the time after which a sweep may
 * find something.
 */
export function openOutbox(store: Store, notify: Notify, lookAgain: (delayMs: number) => void): Outbox {
  const held = new Map<string, Promise<void>>()
  let turn = 0

  async function attempt(owner: string, { task_id, epoch, manual, earlier, log, is_gone }: Owed): Promise<void> {
    const url = requestOf(log).delivery!.webhook_url
    const record = await notify({ task: foldEvents(log), url, earlier, manual, isGone: is_gone })
    const { decision } = record
    const { next } = decision
    const status = next === 'unchanged' ? null : next === 'retry' ? 'pending' : next
    const delayMs = next === 'retry' ? decision.delay_ms : null
    // We gave up; the receiver did not refuse. It may have accepted a message meanwhile.
    const said = next === 'dead' && !is_gone ? decision.reason : next
    const values = [task_id, owner, epoch, JSON.stringify(record), manual, status, delayMs, url, said]
    await withFaultPoints('postgres.settle', () => store.query(settle, values))
    if (delayMs !== null) lookAgain(delayMs)
  }

  function hold(owner: string, owed: Owed): void {
    // When it fails the row stays ours and is taken again: the attempt is not on record.
    const attempting = attempt(owner, owed)
      .catch(() => {})
      .finally(() => {
        if (held.get(owed.task_id) === attempting) held.delete(owed.task_id)
        if (held.size === atOnce - 1) lookAgain(0)
      })
    held.set(owed.task_id, attempting)
  }

  return {
    sweep: async (owner) => {
      const room = atOnce - held.size
      if (room <= 0) return
      const values = [owner, room, [...held.keys()], ++turn]
      faultPoint('postgres.take.before')
      const taken = await store.query<Owed>(take, values).catch(rethrowEviction)
      if (taken.length > 0) faultPoint('postgres.take.after')
      for (const owed of taken) hold(owner, owed)
    },
    idle: async () => void (await Promise.all(held.values())),
  }
}
