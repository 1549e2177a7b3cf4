import { monotonicMs, sleep } from '../../contract/types/timer.ts'
import { logError } from '../../contract/engine/log-error.ts'
import { connectLimitMs } from '../../contract/engine/workplace.ts'
import type { Store } from '../_postgres/store.ts'
import { enrolWorker, evictExpired, renewLease, resignWorker } from './leases.ts'
import type { PostgresTiming } from './engine.ts'

/** Real milliseconds without evictions after an outage: a lease, or what a worker needs to reconnect and renew. */
export function comebackMs(timing: PostgresTiming): number {
  const { leaseMs, leaseHeartbeatMs, queryTimeoutMs, storeRetryCapMs } = timing
  return Math.max(leaseMs, queryTimeoutMs + connectLimitMs(timing) + storeRetryCapMs + leaseHeartbeatMs)
}

export interface LeaseEvents {
  /** Everything held under the old id is lost. */
  readonly onEvicted: () => void
  /** Other workers expired: their tasks are free. */
  readonly onFreed: () => void
}

/** This worker's row in `worker`. The database's clock decides: a worker that was not evicted meanwhile goes on. */
export class WorkerLease implements AsyncDisposable {
  readonly #store: Store
  readonly #node: string
  readonly #timing: PostgresTiming
  readonly #closing = new AbortController()
  #workerId: string
  #seenAt = monotonicMs()
  #evictsFrom = -Infinity
  #ended: Promise<void> = Promise.resolve()

  private constructor(store: Store, node: string, timing: PostgresTiming, workerId: string) {
    this.#store = store
    this.#node = node
    this.#timing = timing
    this.#workerId = workerId
  }

  static async enrol(store: Store, node: string, timing: PostgresTiming): Promise<WorkerLease> {
    return new WorkerLease(store, node, timing, await enrolWorker(store, node, timing.leaseMs))
  }

  /** Changes when the worker was evicted: it comes back as another one. */
  get workerId(): string {
    return this.#workerId
  }

  /** Renew the lease every heartbeat, and evict the workers that did not. */
  keep(events: LeaseEvents): void {
    this.#ended = this.#beatUntilClosed(events).catch(() => {})
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new Error('the worker resigned'))
    await this.#ended
    await resignWorker(this.#store, this.#workerId)
  }

  async #beatUntilClosed(events: LeaseEvents): Promise<never> {
    for (;;) {
      await sleep(this.#timing.leaseHeartbeatMs, this.#closing.signal)
      await this.#beat(events).catch((error: unknown) => logError(this.#node, 'heartbeat', error))
    }
  }

  async #beat({ onEvicted, onFreed }: LeaseEvents): Promise<void> {
    const { leaseMs } = this.#timing
    if (!(await renewLease(this.#store, this.#workerId, leaseMs))) {
      this.#workerId = await enrolWorker(this.#store, this.#node, leaseMs)
      onEvicted()
    }
    const now = monotonicMs()
    // After an outage all leases are over and all workers are alive: let them renew before evicting any.
    if (now - this.#seenAt > leaseMs) this.#evictsFrom = now + comebackMs(this.#timing)
    this.#seenAt = now
    if (now >= this.#evictsFrom && (await evictExpired(this.#store, this.#workerId)) > 0) onFreed()
  }
}
