import { PassThrough, Writable } from 'node:stream'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { planTask } from '../../../patterns/agent/plan.ts'
import type { TaskEvent } from '../../../patterns/contract/types/events.ts'
import { Heartbeats } from '../../../patterns/contract/server/heartbeats.ts'
import { createdEvent } from '../../../patterns/contract/engine/log.ts'
import { timingAt } from '../../../patterns/contract/types/timing.ts'
import { Turns } from '../../../patterns/contract/server/turns.ts'
import { frameOf, writeStream } from '../../../patterns/deliveries/sse/frames.ts'

const input = { seed: 1, profile: 'smoke', job: 'j' }
const event = createdEvent('task_1', { type: 'agent', input }, planTask(input, 1), new Date(0))
const timing = timingAt(1)

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] }))
afterEach(() => void vi.useRealTimers())

const settled = () => new Promise((resolve) => setImmediate(resolve))

function open(events: AsyncIterable<TaskEvent>, out: Writable = new PassThrough()) {
  const drain = new AbortController()
  const turns = new Turns()
  const streams = { timing, drain: drain.signal, turns, heartbeats: new Heartbeats(timing, turns) }
  const written = writeStream(events, out, streams)
  const said = () => String((out as PassThrough).read() ?? '')
  return { out, written, drain, said }
}

async function* silence(until: Promise<unknown>): AsyncGenerator<TaskEvent> {
  await until
  yield* []
}

test('silence is filled with a comment at every heartbeat, and a node that leaves says when to come back', async () => {
  const over = Promise.withResolvers<void>()
  const { written, drain, said } = open(silence(over.promise))
  expect(said()).toBe(': open\nretry: 1000\n')
  for (let i = 0; i < 3; i++) {
    await vi.advanceTimersByTimeAsync(timing.heartbeatMs)
    await settled()
    expect(said()).toBe(': heartbeat\n')
  }
  drain.abort()
  over.resolve()
  await written
  expect(said()).toMatch(/^: draining\nretry: \d{4}\n$/)
  expect(vi.getTimerCount()).toBe(0)
})

test('an event is its number, its type and one line of data; the end of the log is the end', async () => {
  async function* two() {
    yield event
    yield { ...event, seq: 2 }
  }
  const { written, said } = open(two())
  await written
  const [opening, ...frames] = said().split(/(?=id:)/)
  expect(opening).toBe(': open\nretry: 1000\n')
  expect(frames).toEqual([frameOf(event), frameOf({ ...event, seq: 2 })])
  expect(frames[0]).toBe(`id: 1\nevent: task.created\ndata: ${JSON.stringify(event)}\n\n`)
  expect(vi.getTimerCount()).toBe(0)
})

test('a reader that takes nothing is cut, and neither events nor heartbeats pile up for it', async () => {
  let produced = 0
  async function* endless() {
    for (; !out.destroyed; produced++) yield event
  }
  const out = new Writable({ highWaterMark: 64, write: () => {} })
  const { written } = open(endless(), out)
  await settled()
  await vi.advanceTimersByTimeAsync(timing.watchdogMs - 1)
  await settled()
  expect([out.destroyed, produced]).toEqual([false, 0])
  expect(out.writableLength).toBeLessThan(64 + frameOf(event).length)
  await vi.advanceTimersByTimeAsync(2)
  await written
  expect([out.destroyed, vi.getTimerCount()]).toEqual([true, 0])
})

test('a failing log fails the stream and leaves nothing behind', async () => {
  async function* broken(): AsyncGenerator<TaskEvent> {
    yield event
    throw new Error('the store is gone')
  }
  const { written, out } = open(broken())
  await expect(written).rejects.toThrow('the store is gone')
  expect([out.destroyed, vi.getTimerCount()]).toEqual([true, 0])
})

test('a thousand heartbeats of one tick leave room for others between them', async () => {
  const turns = new Turns()
  const heartbeats = new Heartbeats(timing, turns)
  let beats = 0
  const members = Array.from({ length: 1000 }, () => ({ quietTicks: 0, beat: () => void beats++ }))
  for (const member of members) heartbeats.add(member)
  await vi.advanceTimersByTimeAsync(timing.heartbeatMs)
  expect(beats).toBeLessThan(500)
  for (let turn = 0; turn < 100 && beats < 1000; turn++) await settled()
  expect(beats).toBe(1000)
  for (const member of members) heartbeats.delete(member)
  expect(vi.getTimerCount()).toBe(0)
})
