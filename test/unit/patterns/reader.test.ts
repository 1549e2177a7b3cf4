import { expect, test } from 'vitest'
import { planTask } from '../../../patterns/agent/plan.ts'
import type { ClientPorts, Job } from '../../../patterns/contract/client/client.ts'
import type { Observation } from '../../../patterns/contract/types/observations.ts'
import type { TaskEvent } from '../../../patterns/contract/types/events.ts'
import { completedEvent, createdEvent, startedEvent } from '../../../patterns/contract/engine/log.ts'
import { foldEvents } from '../../../patterns/contract/types/fold.ts'
import {
  followToEnd,
  lastSeq,
  nextAddress,
  readerOf,
  takeEvent,
  type Channel,
  type Reader,
} from '../../../patterns/contract/client/reader.ts'

const input = { seed: 1, profile: 'smoke', job: 'j' }
const plan = planTask(input, 1)
const created = createdEvent('task_1', { type: 'agent', input }, plan, new Date(0))
const started = startedEvent(created, plan, 'api-0', new Date(1))
const completed = completedEvent(started, { digest: 'd', steps: 3 }, new Date(2))
const log = [created, started, completed]

const job: Job = { key: 'j', ordinal: 0, input, giveUpAt: Infinity }
const never = new AbortController().signal

function newReader(sticky = true, signal = never) {
  const seen: number[] = []
  const ports = {
    apis: ['a', 'b', 'c'].map((name) => ({ name, url: `http://${name}` })),
    sticky,
    timeScale: 1000,
    random: () => 0.5,
    observe: (_: string, one: Observation) => void (one.f === 'event' && seen.push(one.value.seq)),
  } as unknown as ClientPorts
  const accepted = { task: foldEvents([created]), replica: 1, status: 202, retryAfterMs: undefined }
  return { reader: readerOf(job, ports, signal, accepted), seen }
}

function channel(opened: boolean, more: Partial<Channel> = {}): Channel {
  const ended = Promise.resolve('over')
  return { opened: Promise.resolve(opened), ended, refusal: undefined, retryMs: undefined, close: () => {}, ...more }
}

/** Channels in turn; each brings these events before it ends. */
function script(...steps: readonly (readonly [readonly TaskEvent[], Channel])[]) {
  let attempts = 0
  const cursors: number[] = []
  const connect = (reader: Reader): Channel => {
    const [events, channel] = steps[Math.min(attempts++, steps.length - 1)]!
    cursors.push(lastSeq(reader))
    for (const event of events) takeEvent(reader, event)
    return channel
  }
  return { connect, cursors }
}

test('a sticky reader stays with its replica, another one takes the next at every attempt', () => {
  const { reader: sticky } = newReader()
  expect([nextAddress(sticky), nextAddress(sticky)]).toEqual(['http://b/v1/tasks/task_1', 'http://b/v1/tasks/task_1'])
  const { reader } = newReader(false)
  expect([1, 2, 3].map(() => nextAddress(reader).slice(7, 8))).toEqual(['b', 'c', 'a'])
})

test('what breaks is followed on from where it broke, until the terminal event', async () => {
  const { reader, seen } = newReader()
  const { connect, cursors } = script([[created], channel(true)], [[], channel(false)], [log.slice(1), channel(true)])
  const { task, via } = await followToEnd(reader, connect)
  expect([task, via, cursors, seen]).toEqual([foldEvents(log), 'stream', [0, 1, 1], [1, 2, 3]])
})

test('a repeated event is reported and changes nothing, a gap is an error', () => {
  const { reader, seen } = newReader()
  expect([created, started, created].map((event) => takeEvent(reader, event))).toEqual([false, false, false])
  expect([lastSeq(reader), seen]).toEqual([2, [1, 2, 1]])
  expect(() => takeEvent(newReader().reader, started)).toThrow('a log begins with task.created')
  expect(takeEvent(reader, completed)).toBe(true)
})

test('a task is gone when the API says so twice in a row', async () => {
  const missing = channel(false, { refusal: 404 })
  const { connect, cursors } = script([[], missing], [[created], channel(true)], [[], missing])
  await expect(followToEnd(newReader().reader, connect)).rejects.toMatchObject({ reason: 'gone', taskId: 'task_1' })
  expect(cursors).toEqual([0, 0, 1, 1])
})

test('waits as the server advised, and ends with the signal', async () => {
  const stop = new AbortController()
  const { connect, cursors } = script([[created], channel(true, { retryMs: 20_000 })])
  const running = followToEnd(newReader(true, stop.signal).reader, connect)
  // At this scale the cap of the backoff is 20 ms: several attempts fit into the test, none without a wait.
  await new Promise((resolve) => setTimeout(resolve, 50))
  stop.abort(new Error('enough'))
  await expect(running).rejects.toThrow('enough')
  expect(cursors.length).toBeLessThan(8)
})
