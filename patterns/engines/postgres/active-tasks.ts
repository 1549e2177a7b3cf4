import { sleep } from '../../contract/types/retry.ts'
import { reportError } from '../../contract/engine/log-error.ts'
import { requestOf } from '../../contract/engine/log.ts'
import { alarm, type Alarm, within } from '../../contract/engine/wakeup.ts'
import { execute, stops, type Workplace } from '../../contract/engine/execution.ts'
import { type Claim, claimTasks, LeaseLost } from './leases.ts'
import type { Outbox } from './outbox.ts'
import type { Store } from '../_postgres/store.ts'
import type { Tenure } from './worker-lease.ts'
import type { StoreTiming } from './timeouts.ts'

/** Most tasks that one worker runs at a time: they wait far more than they compute. */
const capacity = 1000
/** Small batches, so that workers who wake up together share what is there. */
const claimAtOnce = 16

type BenchPlace = Workplace & { readonly timing: StoreTiming }

export interface BenchParts {
  readonly store: Store
  readonly place: BenchPlace
  readonly tenure: Tenure
  readonly outbox: Outbox
}

/** What a worker has in hand. */
export interface Bench {
  /** There may be something to claim. */
  look(): void
  /** There may be a callback to attempt, after so long. */
  lookAtOutbox(delayMs: number): void
  cancel(taskId: string): void
  /** The lease is lost: drop everything, write nothing. */
  abandonAll(): void
  /** Claim no more; resolves when all is put down, after `mostMs` by dropping it. */
  drain(mostMs: number): Promise<void>
}

export function openBench({ store, place, tenure, outbox }: BenchParts): Bench {
  const held = new Map<string, AbortController>()
  const running = new Set<Promise<void>>()
  let turn = 0
  const draining = new AbortController()
  const tasks = alarm()
  const callbacks = alarm()

  function begin(claim: Claim): void {
    const controller = new AbortController()
    held.set(claim.taskId, controller)
    const run = runOne(claim, place, controller, draining.signal).finally(() => {
      running.delete(run)
      if (held.get(claim.taskId) === controller) held.delete(claim.taskId)
      if (requestOf(claim.log).delivery) callbacks.ring()
      if (held.size === capacity - 1) tasks.ring()
    })
    running.add(run)
  }

  async function claimSome(): Promise<boolean> {
    const most = Math.min(claimAtOnce, capacity - held.size)
    if (most === 0) return false
    const claims = await claimTasks(store, tenure.workerId, most, [...held.keys()], ++turn)
    claims.forEach(begin)
    return claims.length >= most
  }

  async function sweepOutbox(): Promise<boolean> {
    await outbox.sweep(tenure.workerId)
    return false
  }

  const everyMs = place.timing.claimPollMs
  const loops = [
    repeat(claimSome, tasks, everyMs, draining.signal),
    repeat(sweepOutbox, callbacks, everyMs, draining.signal),
  ]
  const abandonAll = (): void => held.forEach((controller) => controller.abort(new LeaseLost('abandoned')))

  return {
    look: () => tasks.ring(),
    lookAtOutbox: (delayMs) => {
      // What is due later is found by a sweep anyway: however many wait, few of them have a timer here.
      if (delayMs < everyMs) setTimeout(() => callbacks.ring(), delayMs).unref()
    },
    cancel: (taskId) => held.get(taskId)?.abort(stops.cancel),
    abandonAll,
    drain: async (mostMs) => {
      draining.abort(new Error('the worker is draining'))
      tasks.ring()
      callbacks.ring()
      await within(mostMs, Promise.all([...loops, ...running, outbox.idle()]))
      abandonAll()
    },
  }
}

/** Never rejects. What fails for another reason than a lost lease stays ours, and is claimed again after a pause. */
async function runOne(claim: Claim, place: BenchPlace, stop: AbortController, draining: AbortSignal): Promise<void> {
  try {
    await execute(claim, place, stop, draining)
  } catch (error) {
    if (error instanceof LeaseLost || stop.signal.aborted || draining.aborted) return
    reportError(place.node, `task ${claim.taskId}`, error)
    await sleep(place.timing.leaseHeartbeatMs, draining).catch(() => {})
  }
}

/** Act whenever rung and at least every `everyMs`, again at once while there is more. Ends when the signal aborts. */
async function repeat(act: () => Promise<boolean>, bell: Alarm, everyMs: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const more = await act().catch((error: unknown) => {
      // An eviction: the next heartbeat finds out and enrols again.
      if (!(error instanceof LeaseLost) && !signal.aborted) reportError('worker', 'claim', error)
      return false
    })
    if (!more) await bell.wait(everyMs)
  }
}
