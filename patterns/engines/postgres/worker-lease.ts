import { monotonicMs, sleep } from '../../contract/types/retry.ts'
import { reportError } from '../../contract/engine/log-error.ts'
import { enrolWorker, evictExpired, renewLease, resignWorker } from './leases.ts'
import { connectLimitMs, type Store } from '../_postgres/store.ts'
import type { StoreTiming } from './timeouts.ts'

/**
 * Real milliseconds after an outage in which nobody is evicted. A lease's time; more where somebody who is well needs it to
 * notice that a connection is dead, to open another, and to renew.
 */
export function comebackMs(timing: StoreTiming): number {
  const { leaseMs, leaseHeartbeatMs, queryTimeoutMs, storeRetryCapMs } = timing
  return Math.max(leaseMs, queryTimeoutMs + connectLimitMs(timing) + storeRetryCapMs + leaseHeartbeatMs)
}

/** This worker's place in the `worker` table for as long as it lives. */
export interface Tenure extends AsyncDisposable {
  /** Changes when the worker was evicted: it comes back as somebody else. */
  readonly workerId: string
}

export interface TenureEvents {
  /** Everything held under the old id is lost. */
  readonly onEvicted: () => void
  /** Others expired: their tasks are free. */
  readonly onFreed: () => void
}

/**
 * Enrol, then renew the lease every heartbeat and evict those who did not. The database's clock and rows decide, so a
 * worker that could not reach it for a while and was not evicted simply goes on.
 */
export async function holdTenure(
  store: Store,
  node: string,
  timing: StoreTiming,
  events: TenureEvents,
): Promise<Tenure> {
  const { leaseMs, leaseHeartbeatMs } = timing
  const closing = new AbortController()
  let workerId = await enrolWorker(store, node, leaseMs)
  let seenAt = monotonicMs()
  let evictsFrom = -Infinity

  async function beat(): Promise<void> {
    if (!(await renewLease(store, workerId, leaseMs))) {
      workerId = await enrolWorker(store, node, leaseMs)
      events.onEvicted()
    }
    const now = monotonicMs()
    // After an outage everybody's lease is over and everybody is alive: let them renew before evicting any.
    if (now - seenAt > leaseMs) evictsFrom = now + comebackMs(timing)
    seenAt = now
    if (now >= evictsFrom && (await evictExpired(store, workerId)) > 0) events.onFreed()
  }

  async function beatForEver(): Promise<void> {
    for (;;) {
      await sleep(leaseHeartbeatMs, closing.signal)
      await beat().catch((error: unknown) => reportError(node, 'heartbeat', error))
    }
  }

  const ended = beatForEver().catch(() => {})
  return {
    get workerId() {
      return workerId
    },
    [Symbol.asyncDispose]: async () => {
      closing.abort(new Error('the worker resigned'))
      await ended
      await resignWorker(store, workerId)
    },
  }
}
