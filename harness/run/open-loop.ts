import { monotonicMs, startTimer } from '../../patterns/contract/types/timer.ts'
import type { CellPlan } from '../model/plan.ts'
import type { Rng } from '../core/rng.ts'

/**
 * The intended start of every task, in milliseconds since the load began: fixed before the run, whatever the
 * system does (open loop). `poisson` has exponential gaps, `uniform` equal ones; both start at the first gap's end.
 */
export function planArrivals(load: CellPlan['load'], tasks: number, rng: Rng): readonly number[] {
  const meanGapMs = 1000 / load.ratePerSec
  const times: number[] = []
  let at = 0
  for (let n = 0; n < tasks; n++) {
    at += load.arrivals === 'poisson' ? rng.exponential(meanGapMs) : meanGapMs
    times.push(at)
  }
  return times
}

export interface PacerReport {
  /** Lag of each dispatch behind its intended time, in milliseconds. */
  readonly lagsMs: Float64Array
  /** Entries that were never dispatched, because the cap was reached. What an abort came before is not counted. */
  readonly notOffered: number
}

export interface OpenLoop {
  /** Intended times in milliseconds since `epochMs`, ascending. */
  readonly arrivals: readonly number[]
  /** The zero of the arrivals, on the monotonic clock. */
  readonly epochMs: number
  /** Most tasks in flight; an arrival beyond it is not offered, and counted. */
  readonly maxInFlight: number
  /** Start one task. Its promise says when it is over and never rejects; the pacer does not wait for it. */
  readonly dispatch: (ordinal: number) => Promise<void>
  readonly skip: (ordinal: number) => void
  readonly signal: AbortSignal
}

/**
 * Offers every arrival at its intended time, never waiting for an answer (open loop). So a system that stalls cannot
 * slow its own load down: the cure for coordinated omission (Tene, "How NOT to Measure Latency"). Each wake-up sends
 * everything that is due: pacing is credited from elapsed time, not from ticks. Resolves when the last one was offered,
 * or at once on an abort.
 */
export async function offerOpenLoop(loop: OpenLoop): Promise<PacerReport> {
  const lagsMs = new Float64Array(loop.arrivals.length)
  let next = 0
  let inFlight = 0
  let notOffered = 0
  const offer = (ordinal: number): void => {
    lagsMs[ordinal] = monotonicMs() - loop.epochMs - loop.arrivals[ordinal]!
    if (inFlight >= loop.maxInFlight) {
      notOffered++
      loop.skip(ordinal)
      return
    }
    inFlight++
    void loop.dispatch(ordinal).finally(() => inFlight--)
  }
  while (next < loop.arrivals.length && !loop.signal.aborted) {
    const now = monotonicMs() - loop.epochMs
    while (next < loop.arrivals.length && loop.arrivals[next]! <= now) offer(next++)
    if (next < loop.arrivals.length) await sleepMs(loop.arrivals[next]! - (monotonicMs() - loop.epochMs))
  }
  return { lagsMs: lagsMs.subarray(0, next), notOffered }
}

/** Timers round down to whole milliseconds and may fire early: the loop re-checks the clock, so early is only a spin. */
function sleepMs(ms: number): Promise<void> {
  return new Promise((resolve) => (ms < 0.5 ? setImmediate(resolve) : startTimer(resolve, Math.ceil(ms))))
}
