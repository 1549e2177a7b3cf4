import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { recordAttempt, type Callback, type Decision, type Notify } from '../../../patterns/contract/types/callback.ts'
import type { Task } from '../../../patterns/contract/types/task.ts'
import { timingAt } from '../../../patterns/contract/types/timing.ts'
import { decide, type AttemptResult } from '../../../patterns/deliveries/webhook-retry/schedule.ts'
import { OwedCallback } from '../../../patterns/engines/memory/callback.ts'

const task = { task_id: 'task_1', version: 6 } as Task
const hourMs = 3_600_000
const timing = timingAt(1)

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

/** Attempts of the real schedule against a receiver that answers so, on a clock of the test's own. */
function attempting(answer: (callback: Callback) => AttemptResult): {
  notify: Notify
  atMs: number[]
  most: () => number
} {
  const atMs: number[] = []
  let [underWay, most] = [0, 0]
  const notify: Notify = async (callback) => {
    most = Math.max(most, ++underWay)
    const beganAtMs = Date.now()
    atMs.push(beganAtMs)
    await new Promise((resolve) => setTimeout(resolve, 10))
    const due = callback.earlier.filter(({ manual }) => !manual)
    const elapsedMs = beganAtMs - Date.parse(due[0]?.time ?? new Date(beganAtMs).toISOString())
    const { status, ...result } = answer(callback)
    const decision: Decision = callback.manual
      ? { next: status === 204 ? 'delivered' : 'unchanged' }
      : decide({ ...result, status: status! }, { failures: due.length, elapsedMs }, timing, Math.random())
    underWay--
    return recordAttempt(callback, beganAtMs, { status: status!, detail: '', decision })
  }
  return { notify, atMs, most: () => most }
}

test('every wait of three days is that of the ladder with its jitter, and then the message is dead', async () => {
  const { notify, atMs } = attempting(() => ({ status: 503, detail: '' }))
  const owed = new OwedCallback(task, 'http://a.example/', notify)
  await vi.advanceTimersByTimeAsync(80 * hourMs)
  const waits = atMs.slice(1).map((at, i) => at - atMs[i]! - 10)
  waits.forEach((waitMs, failures) => {
    const plainMs = Math.min(4 * hourMs, 5000 * 2 ** failures)
    expect(waitMs).toBeGreaterThanOrEqual(0.8 * plainMs - 1)
    expect(waitMs).toBeLessThanOrEqual(1.2 * plainMs + 1)
  })
  expect(new Set(waits.map((waitMs, i) => waitMs / Math.min(4 * hourMs, 5000 * 2 ** i))).size).toBeGreaterThan(20)
  expect(atMs.at(-1)! - atMs[0]!).toBeLessThanOrEqual(72 * hourMs)
  expect(atMs.at(-1)! - atMs[0]!).toBeGreaterThan(72 * hourMs - 1.2 * 4 * hourMs - hourMs)
  expect(owed.delivery).toMatchObject({ id: 'evt_task_1_6', status: 'dead', next_attempt_at: null })
  expect(owed.delivery.attempts.at(-1)!.decision).toEqual({ next: 'dead', reason: 'horizon' })
  expect(vi.getTimerCount()).toBe(0)
})

test('Retry-After is waited for, up to the top of the ladder', async () => {
  const asked = [60_000, 30 * 24 * hourMs, 1]
  const { notify, atMs } = attempting(({ earlier }) => ({
    status: 503,
    detail: '',
    retryAfterMs: asked[earlier.length] ?? 0,
  }))
  void new OwedCallback(task, 'http://a.example/', notify)
  await vi.advanceTimersByTimeAsync(5 * hourMs)
  const waits = atMs.slice(1).map((at, i) => at - atMs[i]! - 10)
  expect(waits.slice(0, 2)).toEqual([60_000, 4 * hourMs])
  expect(waits[2]).toBeGreaterThanOrEqual(16_000)
  expect(waits[2]).toBeLessThanOrEqual(24_000)
})

test('a replay is one attempt beside the schedule, which it ends only by success', async () => {
  const { notify, atMs, most } = attempting(({ earlier }) => ({ status: earlier.length < 3 ? 503 : 204, detail: '' }))
  const owed = new OwedCallback(task, 'http://a.example/', notify)
  owed.replay()
  owed.replay()
  await vi.advanceTimersByTimeAsync(1000)
  expect(owed.delivery.attempts.map(({ manual, decision }) => [manual, decision.next])).toEqual([
    [false, 'retry'],
    [true, 'unchanged'],
  ])
  const nextAt = Date.parse(owed.delivery.next_attempt_at!)
  await vi.advanceTimersByTimeAsync(6000)
  expect(atMs[2]! - nextAt).toBeLessThanOrEqual(10)
  owed.replay()
  await vi.advanceTimersByTimeAsync(100)
  expect(owed.delivery).toMatchObject({ status: 'delivered', next_attempt_at: null })
  await vi.advanceTimersByTimeAsync(80 * hourMs)
  expect([atMs.length, most()]).toEqual([4, 1])
  owed.replay()
  await vi.advanceTimersByTimeAsync(100)
  expect(owed.delivery).toMatchObject({ status: 'delivered', attempts: { length: 5 } })
})
