import { expect, test, vi } from 'vitest'
import { planTask } from '../../../patterns/agent/plan.ts'
import type { TaskEvent } from '../../../patterns/contract/events.ts'
import { createdEvent } from '../../../patterns/contract/log.ts'
import { timingAt } from '../../../patterns/contract/timing.ts'
import { eventFrames } from '../../../patterns/deliveries/sse/frames.ts'

const input = { seed: 1, profile: 'smoke', job: 'j' }
const event = createdEvent('task_1', { type: 'agent', input }, planTask(input, 1), new Date(0))
const timing = timingAt(1)

function openFrames(events: AsyncIterable<TaskEvent>, over = new AbortController()) {
  const calls = { cut: 0, release: 0 }
  const frames = eventFrames(events, {
    timing,
    over: over.signal,
    cut: () => {
      calls.cut++
      over.abort()
    },
    release: () => void calls.release++,
  })
  const next = async () => new TextDecoder().decode((await frames.next()).value!)
  return { frames, next, calls, over }
}

async function* silence(signal: AbortSignal): AsyncGenerator<TaskEvent> {
  await new Promise((resolve) => signal.addEventListener('abort', resolve))
  yield* []
}

test('silence is filled with a comment at every heartbeat', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const over = new AbortController()
    const { next, frames, calls } = openFrames(silence(over.signal), over)
    expect(await next()).toBe(': open\nretry: 1000\n\n')
    for (let i = 0; i < 3; i++) {
      const heartbeat = next()
      await vi.advanceTimersByTimeAsync(timing.heartbeatMs)
      expect(await heartbeat).toBe(': heartbeat\n\n')
    }
    over.abort()
    expect(await next()).toMatch(/^: draining\nretry: \d{4}\n\n$/)
    expect((await frames.next()).done).toBe(true)
    expect([calls.cut, calls.release, vi.getTimerCount()]).toEqual([0, 1, 0])
  } finally {
    vi.useRealTimers()
  }
})

test('an event is its number, its type and one line of data; the end of the log is the end', async () => {
  async function* one() {
    yield event
  }
  const { next, frames, calls } = openFrames(one())
  await next()
  expect(await next()).toBe(`id: 1\nevent: task.created\ndata: ${JSON.stringify(event)}\n\n`)
  expect((await frames.next()).done).toBe(true)
  expect(calls).toEqual({ cut: 0, release: 1 })
})

test('a reader that takes nothing is cut, and nothing piles up for it', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    let produced = 0
    async function* endless() {
      for (;;) {
        produced++
        yield event
      }
    }
    const { frames, calls } = openFrames(endless())
    const reader = ReadableStream.from(frames).getReader()
    for (let i = 0; i < 3; i++) await reader.read()
    await vi.advanceTimersByTimeAsync(timing.watchdogMs - 1)
    expect(calls.cut).toBe(0)
    await vi.advanceTimersByTimeAsync(2)
    expect(calls.cut).toBe(1)
    expect(produced).toBeLessThanOrEqual(4)
    await reader.cancel()
    expect(calls.release).toBe(1)
  } finally {
    vi.useRealTimers()
  }
})

test('a failing log fails the stream and leaves nothing behind', async () => {
  async function* broken(): AsyncGenerator<TaskEvent> {
    yield event
    throw new Error('the store is gone')
  }
  const { next, frames, calls } = openFrames(broken())
  await next()
  await next()
  await expect(frames.next()).rejects.toThrow('the store is gone')
  expect(calls.release).toBe(1)
})
