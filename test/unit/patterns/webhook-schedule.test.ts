import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { timingAt } from '../../../patterns/contract/types/timing.ts'
import { readRetryAfter } from '../../../patterns/contract/client/http.ts'
import { decide, isRefusal, type AttemptResult } from '../../../patterns/deliveries/webhook-retry/schedule.ts'

const timing = timingAt(1)
const failed = (status?: number, retryAfterMs?: number): AttemptResult => ({
  ...(status !== undefined && { status }),
  ...(retryAfterMs !== undefined && { retryAfterMs }),
  detail: '',
})
const hoursMs = 3_600_000

/** When each attempt begins, in milliseconds after the first, for a receiver that never accepts. */
function attempts(uniform: number, status?: number): number[] {
  const beganAt = [0]
  for (let failures = 0; ; failures++) {
    const elapsedMs = beganAt.at(-1)!
    const decision = decide(failed(status), { failures, elapsedMs }, timing, uniform)
    if (decision.next !== 'retry') return beganAt
    beganAt.push(elapsedMs + decision.delay_ms)
  }
}

describe('the ladder', () => {
  test('doubles from five seconds to four hours, over three days', () => {
    const beganAt = attempts(0.5)
    const delaysS = beganAt.slice(1).map((at, i) => (at - beganAt[i]!) / 1000)
    expect(delaysS.slice(0, 5)).toEqual([5, 10, 20, 40, 80])
    expect(Math.max(...delaysS)).toBe(4 * 3600)
    expect(beganAt).toHaveLength(29)
    expect(beganAt.at(-1)).toBeGreaterThan(68 * hoursMs)
    expect(beganAt.at(-1)).toBeLessThanOrEqual(72 * hoursMs)
  })

  test.each([
    [0, 0.8],
    [0.999_999, 1.2],
  ])('has 20 %% of jitter to either side: %s', (uniform, factor) => {
    for (const failures of [0, 1, 5, 11, 20, 1000]) {
      const decision = decide(failed(500), { failures, elapsedMs: 0 }, timing, uniform)
      const plainMs = Math.min(4 * hoursMs, 5000 * 2 ** Math.min(failures, 30))
      expect(decision).toEqual({ next: 'retry', delay_ms: expect.closeTo(plainMs * factor, -2) })
    }
  })

  test('is compressed like everything else', () => {
    const { next, ...rest } = decide(failed(500), { failures: 3, elapsedMs: 0 }, timingAt(100), 0.5)
    expect([next, rest]).toEqual(['retry', { delay_ms: 400 }])
    expect(decide(failed(500), { failures: 3, elapsedMs: (72 * hoursMs) / 100 }, timingAt(100), 0.5).next).toBe('dead')
  })

  test.each([429, 502, 504])('is climbed faster after %i: somebody has too much to do', (status) => {
    expect(decide(failed(status), { failures: 0, elapsedMs: 0 }, timing, 0.5)).toEqual({
      next: 'retry',
      delay_ms: 10_000,
    })
  })
})

test('whatever a receiver answers, a wait keeps to the jitter, to Retry-After and to the horizon', () => {
  const statuses = fc.constantFrom(undefined, 100, 301, 404, 408, 429, 500, 502, 503, 504)
  const uniforms = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  const waits = fc.record({ retryAfterMs: fc.nat(10 ** 10), elapsedMs: fc.nat(80 * hoursMs), failures: fc.nat(2000) })
  fc.assert(
    fc.property(statuses, uniforms, waits, (status, uniform, { retryAfterMs, elapsedMs, failures }) => {
      const decision = decide(failed(status, retryAfterMs), { failures, elapsedMs }, timing, uniform)
      const rung = failures + ([429, 502, 504].includes(status ?? 0) ? 1 : 0)
      const stepMs = Math.min(4 * hoursMs, 5000 * 2 ** rung)
      const asked = Math.min(retryAfterMs, 4 * hoursMs)
      if (decision.next !== 'retry') {
        expect(decision).toEqual({ next: 'dead', reason: 'horizon' })
        expect(elapsedMs + Math.max(asked, 1.2 * stepMs)).toBeGreaterThan(72 * hoursMs)
        return
      }
      expect(elapsedMs + decision.delay_ms).toBeLessThanOrEqual(72 * hoursMs + 1)
      expect(decision.delay_ms).toBeGreaterThanOrEqual(Math.round(Math.max(asked, 0.8 * stepMs)))
      expect(decision.delay_ms).toBeLessThanOrEqual(Math.round(Math.max(asked, 1.2 * stepMs)))
    }),
  )
})

test.each([200, 202, 204, 299])('%i is success', (status) => {
  expect(decide(failed(status), { failures: 0, elapsedMs: 0 }, timing, 0)).toEqual({ next: 'delivered' })
})

test.each([undefined, 301, 302, 307, 308, 400, 401, 404, 500, 503])('%s is a failure, and tried again', (status) => {
  expect(decide(failed(status), { failures: 0, elapsedMs: 0 }, timing, 0.5)).toEqual({ next: 'retry', delay_ms: 5000 })
})

test.each([405, 413, 414, 415, 431, 501])('%i is refused once for all', (status) => {
  expect(decide(failed(status), { failures: 0, elapsedMs: 0 }, timing, 0.5)).toEqual({
    next: 'dead',
    reason: 'refused',
  })
})

test('a refusal that has lasted an hour is meant, however short the whole has been or could be', () => {
  const after = (refusedMs: number) =>
    decide({ ...failed(401), refusedMs }, { failures: 4, elapsedMs: refusedMs }, timing, 0.5)
  expect(after(0)).toEqual({ next: 'retry', delay_ms: 80_000 })
  expect(after(hoursMs - 80_000)).toMatchObject({ next: 'retry' })
  expect(after(hoursMs - 79_999)).toEqual({ next: 'dead', reason: 'refused' })
  expect([300, 308, 400, 401, 403, 404, 422].every(isRefusal)).toBe(true)
  expect([undefined, 204, 408, 409, 425, 429, 500, 503].some(isRefusal)).toBe(false)
})

test('who refuses and says when to come back is asked again then: that alone makes no refusal last', () => {
  const after = (status: number, refusedMs: number) =>
    decide({ ...failed(status, 2 * hoursMs), refusedMs }, { failures: 0, elapsedMs: refusedMs }, timing, 0.5)
  // Too large for now (RFC 9110, 15.5.14).
  for (const status of [403, 404, 413]) {
    expect([status, after(status, 0)]).toEqual([status, { next: 'retry', delay_ms: 2 * hoursMs }])
    expect([status, after(status, 2 * hoursMs)]).toEqual([status, { next: 'dead', reason: 'refused' }])
  }
  expect(after(415, 0)).toEqual({ next: 'dead', reason: 'refused' })
})

test('410, a refused address and the horizon are the end', () => {
  expect(decide(failed(410), { failures: 0, elapsedMs: 0 }, timing, 0.5)).toEqual({ next: 'dead', reason: 'gone' })
  expect(decide({ blocked: true, detail: '' }, { failures: 0, elapsedMs: 0 }, timing, 0.5)).toEqual({
    next: 'dead',
    reason: 'blocked',
  })
  expect(decide(failed(503), { failures: 9, elapsedMs: 72 * hoursMs }, timing, 0.5)).toEqual({
    next: 'dead',
    reason: 'horizon',
  })
})

test('Retry-After lengthens a wait, never shortens it, and is not for ever', () => {
  const waits = (retryAfterMs: number) => decide(failed(503, retryAfterMs), { failures: 0, elapsedMs: 0 }, timing, 0.5)
  expect(waits(120_000)).toEqual({ next: 'retry', delay_ms: 120_000 })
  expect(waits(1_000)).toEqual({ next: 'retry', delay_ms: 5_000 })
  expect(waits(30 * 24 * hoursMs)).toEqual({ next: 'retry', delay_ms: 4 * hoursMs })
})

test.each([
  ['120', 120_000],
  ['0', 0],
  ['Thu, 01 Jan 1970 00:01:00 GMT', 50_000],
  ['Thu, 01 Jan 1970 00:00:05 GMT', 0],
  ['100000000000', 1e14],
  // Not as it must be, but plain: a service that counts finely, and a balancer that adds its own.
  ['1.5', 1_500],
  ['5, 120', 120_000],
  // The two other forms of a date that a recipient must accept (RFC 9110, 5.6.7).
  ['Thursday, 01-Jan-70 00:01:00 GMT', 50_000],
  ['Thu Jan  1 00:01:00 1970', 50_000],
  ['-1', undefined],
  ['soon', undefined],
  ['2026-11-26', undefined],
  [undefined, undefined],
])('Retry-After: %s is %s ms', (header, expected) => {
  expect(readRetryAfter(header, 10_000)).toBe(expected)
})
