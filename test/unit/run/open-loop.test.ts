import { describe, expect, it } from 'vitest'
import { monotonicMs } from '../../../patterns/contract/types/timer.ts'
import { offerOpenLoop } from '../../../harness/run/open-loop.ts'

const never = new AbortController().signal
const arrivals = Array.from({ length: 40 }, (_, n) => n * 2)

describe('the open loop', () => {
  it('offers every arrival although none of them ever ends', async () => {
    const offered: number[] = []
    const dispatch = (ordinal: number) => {
      offered.push(ordinal)
      return new Promise<void>(() => {})
    }
    const report = await offerOpenLoop({
      arrivals,
      epochMs: monotonicMs(),
      maxInFlight: 1000,
      dispatch,
      skip: () => expect.unreachable(),
      signal: never,
    })
    expect(offered).toEqual(arrivals.map((_, n) => n))
    expect(report.notOffered).toBe(0)
  })

  it('never sends early, and measures its own lag', async () => {
    const epochMs = monotonicMs()
    const sentAt: number[] = []
    const dispatch = async () => void sentAt.push(monotonicMs() - epochMs)
    const { lagsMs } = await offerOpenLoop({
      arrivals,
      epochMs,
      maxInFlight: 1000,
      dispatch,
      skip: () => {},
      signal: never,
    })
    expect(sentAt.every((at, n) => at >= arrivals[n]!)).toBe(true)
    expect(lagsMs.every((lag, n) => lag >= 0 && lag <= sentAt[n]! - arrivals[n]! + 1)).toBe(true)
  })

  it('catches up after a stall of the driver, instead of shifting the load', async () => {
    const epochMs = monotonicMs()
    let first = true
    const dispatch = async () => {
      const until = monotonicMs() + 120
      while (first && monotonicMs() < until);
      first = false
    }
    const { lagsMs } = await offerOpenLoop({
      arrivals,
      epochMs,
      maxInFlight: 1000,
      dispatch,
      skip: () => {},
      signal: never,
    })
    // The stall shows as lag of everything that was due in it: this is what a closed loop would hide.
    expect(lagsMs[1]).toBeGreaterThan(100)
    expect(monotonicMs() - epochMs).toBeLessThan(1000)
  })

  it('counts what it could not offer beyond the cap', async () => {
    const skipped: number[] = []
    const report = await offerOpenLoop({
      arrivals: [0, 0, 0, 0],
      epochMs: monotonicMs(),
      maxInFlight: 1,
      dispatch: () => new Promise(() => {}),
      skip: (ordinal) => skipped.push(ordinal),
      signal: never,
    })
    expect(report.notOffered).toBe(3)
    expect(skipped).toEqual([1, 2, 3])
  })

  it('counts nothing against itself when it is aborted', async () => {
    const skipped: number[] = []
    const report = await offerOpenLoop({
      arrivals: [0, 60_000],
      epochMs: monotonicMs() - 1,
      maxInFlight: 10,
      dispatch: async () => {},
      skip: (ordinal) => skipped.push(ordinal),
      signal: AbortSignal.abort(),
    })
    expect(report.notOffered).toBe(0)
    expect(report.lagsMs).toHaveLength(0)
    expect(skipped).toEqual([])
  })
})
