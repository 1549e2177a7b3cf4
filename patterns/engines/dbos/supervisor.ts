import type { NodeSettings } from '../../contract/types/settings.ts'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import { monotonicMs, sleep } from '../../contract/types/timer.ts'
import { reportError } from '../../contract/engine/log-error.ts'
import { storeTimingAt } from '../../contract/engine/store-timeouts.ts'
import { type Pace, timeoutsAt } from '../../contract/types/timeouts.ts'
import { createTables, openStore, type Statement, type Store } from '../_postgres/store.ts'
import { supervisedTimeouts } from './timeouts.ts'

const table = `
  create table if not exists outlast_executor (executor_id text primary key, alive_until timestamptz not null)`

const beat: Statement = {
  name: 'beat',
  text: `
    insert into outlast_executor values ($1, now() + $2 * interval '1 ms')
    on conflict (executor_id) do update set alive_until = excluded.alive_until`,
}

const leave: Statement = {
  name: 'leave',
  text: 'update outlast_executor set alive_until = now() where executor_id = $1',
}

/**
 * Back into the queue, as the library does at its launch for its own name: what silent executors had, and what is claimed
 * for this one ($1) since longer than $3 without being in hand ($2), as the answer to the claim was lost.
 * One statement: the public pair of listing and resuming would revive a workflow that is cancelled between the two.
 */
const handBack: Statement = {
  name: 'hand_back',
  text: `
    update dbos.workflow_status w
    set status = 'ENQUEUED', owner_xid = null, started_at_epoch_ms = null,
      updated_at = (extract(epoch from now()) * 1000)::bigint
    where w.status = 'PENDING' and w.queue_name is not null and case
      when w.executor_id = $1
      then w.workflow_uuid <> all($2::text[]) and w.started_at_epoch_ms < extract(epoch from now()) * 1000 - $3
      else not exists (
        select from outlast_executor e where e.executor_id = w.executor_id and e.alive_until > now()
      )
    end`,
}

/** Beats until disposed, and then leaves: the next executor that beats hands its workflows back. */
export async function supervise(
  { node, storeUrl, ...pace }: Pick<NodeSettings, 'node'> & Pace & { readonly storeUrl: string },
  inHand: ReadonlyMap<string, string>,
): Promise<AsyncDisposable> {
  const store = openStore({ url: storeUrl, timing: storeTimingAt(pace), connections: 1, patienceMs: Infinity })
  await createTables(store, 'executors', table)
  const { silenceMs, beatMs } = timeoutsAt(supervisedTimeouts, pace)
  const pulse = openPulse(store, node, silenceMs, inHand)
  await pulse()
  const closing = new AbortController()
  const beating = repeat(() => pulse().catch((error: unknown) => reportError(node, 'heartbeat', error)))
  async function repeat(act: () => Promise<void>): Promise<void> {
    for (; !closing.signal.aborted; await sleep(beatMs, closing.signal).catch(() => {})) await act()
  }
  return {
    [Symbol.asyncDispose]: async () => {
      closing.abort(new Error('the executor leaves'))
      await beating
      await withFaultPoints('dbos-supervised.leave', () => store.query(leave, [node]))
      await store[Symbol.asyncDispose]()
    },
  }
}

/** One heartbeat. After an outage all executors seem dead and are alive: none is given up for another silence. */
export function openPulse(
  store: Pick<Store, 'query'>,
  node: string,
  silenceMs: number,
  inHand: ReadonlyMap<string, string>,
  nowMs: () => number = monotonicMs,
): () => Promise<void> {
  let beatAt = nowMs()
  let judgesFrom = -Infinity
  return async () => {
    await withFaultPoints('dbos-supervised.beat', () => store.query(beat, [node, silenceMs]))
    const now = nowMs()
    if (now - beatAt > silenceMs) judgesFrom = now + silenceMs
    beatAt = now
    const judge = () => store.query(handBack, [node, [...inHand.values()], silenceMs])
    if (now >= judgesFrom) await withFaultPoints('dbos-supervised.hand-back', judge)
  }
}
