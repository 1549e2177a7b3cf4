import type { Notify } from '../../contract/types/callback.ts'
import { stops } from '../../contract/engine/after-step.ts'
import { execute, type JournalPlace } from '../../contract/engine/execution.ts'
import { type Claim, LeaseLost } from '../../contract/engine/journal.ts'
import { isOfFamily } from '../../contract/types/family.ts'
import { requestOf } from '../../contract/types/fold.ts'
import { sleep } from '../../contract/types/timer.ts'
import { logError } from '../../contract/engine/log-error.ts'
import { Wakeup, within } from '../../contract/engine/wakeup.ts'
import type { Store } from '../_postgres/store.ts'
import { claimTasks } from './leases.ts'
import { openOutbox, type Outbox } from './outbox.ts'
import type { PostgresTiming } from './engine.ts'
import type { WorkerLease } from './worker-lease.ts'

/** Most tasks that one worker runs at a time: they wait far more than they compute. */
const capacity = 1000
/** Small batches, so that workers who wake up together share what is there. */
const claimAtOnce = 16

type Place = Omit<JournalPlace, 'untilNews'> & { readonly timing: PostgresTiming }

/** A task under execution here. */
interface Held {
  readonly stop: AbortController
  /** There may be a command for it. */
  readonly news: Wakeup
}

export interface ActiveTasksOptions {
  readonly store: Store
  readonly place: Place
  readonly lease: WorkerLease
  readonly notify: Notify
}

/** The tasks that a worker runs, and the callbacks that it posts. It claims more until it drains. */
export class ActiveTasks {
  readonly #store: Store
  readonly #place: Place
  readonly #lease: WorkerLease
  readonly #outbox: Outbox
  readonly #held = new Map<string, Held>()
  readonly #running = new Set<Promise<void>>()
  readonly #draining = new AbortController()
  readonly #taskWakeup = new Wakeup()
  readonly #callbackWakeup = new Wakeup()
  readonly #loops: readonly Promise<void>[]
  #claims = 0

  constructor({ store, place, lease, notify }: ActiveTasksOptions) {
    this.#store = store
    this.#place = place
    this.#lease = lease
    this.#outbox = openOutbox(store, notify, (delayMs) => this.#lookForCallbacks(delayMs))
    this.#loops = [
      this.#repeat(() => this.#claimSome(), this.#taskWakeup),
      this.#repeat(() => this.#sweepOutbox(), this.#callbackWakeup),
    ]
  }

  /** There may be a task to claim. */
  look(): void {
    this.#taskWakeup.notify()
  }

  /** The task, and all below it. */
  cancel(headId: string): void {
    for (const [taskId, { stop }] of this.#held) if (isOfFamily(taskId, headId)) stop.abort(stops.cancel)
  }

  /** There may be a command for this task. */
  tell(taskId: string): void {
    this.#held.get(taskId)?.news.notify()
  }

  /** The lease is lost: drop everything, write nothing. */
  abandonAll(): void {
    for (const { stop } of this.#held.values()) stop.abort(new LeaseLost('abandoned'))
  }

  /** Claim no more. Resolves when all tasks are put down; after `mostMs` it drops them. */
  async drain(mostMs: number): Promise<void> {
    this.#draining.abort(new Error('the worker is draining'))
    this.#taskWakeup.notify()
    this.#callbackWakeup.notify()
    for (const { news } of this.#held.values()) news.notify()
    await within(mostMs, Promise.all([...this.#loops, ...this.#running, this.#outbox.idle()]))
    this.abandonAll()
  }

  async #claimSome(): Promise<boolean> {
    const most = Math.min(claimAtOnce, capacity - this.#held.size)
    if (most === 0) return false
    const held = [...this.#held.keys()]
    const claims = await claimTasks(this.#store, { owner: this.#lease.workerId, most, held, turn: ++this.#claims })
    for (const claim of claims) this.#begin(claim)
    return claims.length >= most
  }

  async #sweepOutbox(): Promise<boolean> {
    await this.#outbox.sweep(this.#lease.workerId)
    return false
  }

  /** A sweep finds later callbacks anyway: few of many that wait have a timer here. */
  #lookForCallbacks(delayMs: number): void {
    if (delayMs < this.#place.timing.claimPollMs) setTimeout(() => this.#callbackWakeup.notify(), delayMs).unref()
  }

  #begin(claim: Claim): void {
    const { taskId } = claim
    const held = { stop: new AbortController(), news: new Wakeup() }
    this.#held.set(taskId, held)
    const run = this.#run(claim, held).finally(() => {
      this.#running.delete(run)
      if (this.#held.get(taskId) === held) this.#held.delete(taskId)
      if (requestOf(claim.log).delivery) this.#callbackWakeup.notify()
      if (this.#held.size === capacity - 1) this.#taskWakeup.notify()
    })
    this.#running.add(run)
  }

  /** Never rejects. A task that fails for another reason than a lost lease stays ours. It is claimed again after a pause. */
  async #run(claim: Claim, { stop, news }: Held): Promise<void> {
    const draining = this.#draining.signal
    const untilNews = (_: string, signal: AbortSignal) => news.wait(this.#place.timing.claimPollMs, signal)
    try {
      await execute(claim, { ...this.#place, untilNews }, stop, draining)
    } catch (error) {
      if (error instanceof LeaseLost || stop.signal.aborted || draining.aborted) return
      logError(this.#place.node, `task ${claim.taskId}`, error)
      await sleep(this.#place.timing.leaseHeartbeatMs, draining).catch(() => {})
    }
  }

  /** Acts on each wakeup and at least every poll, again at once while there is more. Ends when the worker drains. */
  async #repeat(act: () => Promise<boolean>, wakeup: Wakeup): Promise<void> {
    const { signal } = this.#draining
    while (!signal.aborted) {
      const more = await act().catch((error: unknown) => {
        // An eviction: the next heartbeat finds out and enrols again.
        if (!(error instanceof LeaseLost) && !signal.aborted) logError(this.#place.node, 'claim', error)
        return false
      })
      if (!more) await wakeup.wait(this.#place.timing.claimPollMs)
    }
  }
}
