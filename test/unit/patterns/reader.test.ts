import { MockAgent } from 'undici'
import { expect, test } from 'vitest'
import type { Task } from '../../../patterns/contract/types/task.ts'
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
  takeNamed,
  type Channel,
  type ChannelEnd,
  type Reader,
} from '../../../patterns/contract/client/reader.ts'
import { Talk } from '../../../patterns/contract/client/talk.ts'

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
    now: () => performance.now(),
    random: () => 0.5,
    observe: (_: string, one: Observation) => void (one.f === 'event' && seen.push(one.value.seq)),
  } as unknown as ClientPorts
  const talk = new Talk(job, ports, signal)
  talk.follow('task_1')
  return { reader: readerOf(talk, { task: foldEvents([created]), replica: 1 }), seen }
}

function takeEvent(reader: Reader, event: TaskEvent): boolean {
  return takeNamed(reader, event.type, JSON.stringify(event))
}

function channel(opened: boolean, more: Partial<ChannelEnd> = {}): Channel {
  const ended = Promise.resolve({ reason: 'over', ...more })
  return { opened: Promise.resolve(opened), ended, close: () => {} }
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

/** A stream that the API refuses so, as a problem without our extensions. */
function refusal(status: number): ChannelEnd {
  const text = JSON.stringify({ type: 'about:blank', title: 'no', status })
  const header = (name: string) => (name === 'content-type' ? 'application/problem+json' : undefined)
  return { reason: `HTTP ${status}`, answer: { status, header, text } }
}

/** An API that answers every read so. */
function reading(status: number, body: object) {
  const agent = new MockAgent()
  agent.disableNetConnect()
  const headers = { 'content-type': status < 400 ? 'application/json' : 'application/problem+json' }
  agent.get('http://b').intercept({ path: '/v1/tasks/task_1' }).reply(status, body, { headers }).persist()
  return agent
}

test('a stream that is refused for good is asked about once: the task is gone when the read says so too', async () => {
  const { reader } = newReader()
  Object.assign(reader.talk.ports, { dispatcher: reading(404, { type: '/problems/not-found', title: 'no' }) })
  const { connect, cursors } = script([[created], channel(true)], [[], channel(false, refusal(404))])
  const failure = { reason: 'gone', taskId: 'task_1', isCertain: true }
  await expect(followToEnd(reader, connect)).rejects.toMatchObject(failure)
  expect(cursors).toEqual([0, 1])
})

test.each([400, 405, 410, 501])(
  'a task that is there, and a stream that is refused with %d: not streamable',
  async (status) => {
    const { reader } = newReader()
    Object.assign(reader.talk.ports, { dispatcher: reading(200, foldEvents([created, started])) })
    const { connect, cursors } = script([[created], channel(true)], [[], channel(false, refusal(status))])
    const failure = { reason: 'not-streamable', isCertain: false, message: expect.stringContaining(`HTTP ${status}`) }
    await expect(followToEnd(reader, connect)).rejects.toMatchObject(failure)
    expect(cursors).toEqual([0, 1, 0])
  },
)

test('a place in the log that the server cannot serve from: the next stream begins at the start, and nothing is told twice', async () => {
  const { reader, seen } = newReader()
  Object.assign(reader.talk.ports, { dispatcher: reading(200, foldEvents([created, started])) })
  const steps = [[[created, started], channel(true)] as const, [[], channel(false, refusal(400))] as const]
  const { connect, cursors } = script(...steps, [log, channel(true)])
  expect((await followToEnd(reader, connect)).task).toEqual(foldEvents(log))
  expect([cursors, seen]).toEqual([
    [0, 2, 0],
    [1, 2, 3],
  ])
})

test('a stream that is refused for good, and a read that has the end: that is the end', async () => {
  const { reader } = newReader()
  Object.assign(reader.talk.ports, { dispatcher: reading(200, foldEvents(log)) })
  const { connect } = script([[], channel(false, refusal(410))])
  expect(await followToEnd(reader, connect)).toEqual({ task: foldEvents(log), via: 'poll' })
})

test('what is no event of a task is passed over, under whatever name', () => {
  const { reader, seen } = newReader()
  const others = [
    ['ping', 'hello'],
    ['ping', '{"seq":9}'],
    [undefined, '[DONE]'],
    [undefined, '{"type":"ping"}'],
    [undefined, 'null'],
  ] as const
  for (const [name, data] of others) expect(takeNamed(reader, name, data)).toBe(false)
  expect([lastSeq(reader), seen]).toEqual([0, []])
  expect(() => takeNamed(reader, 'task.created', 'hello')).toThrow('what came is no event')
})

test('another task’s log is not followed, and a note about one is passed over', () => {
  const { reader, seen } = newReader()
  const others = log.map((event) => ({ ...event, task_id: 'task_2' }))
  expect(() => takeEvent(reader, others[0]!)).toThrow('an event of another task: task_2')
  expect(takeEvent(reader, { ...others[0]!, type: 'task.note' as 'task.started' })).toBe(false)
  expect([lastSeq(reader), seen]).toEqual([0, []])
})

test('an event in words of a later contract takes its place in the log', () => {
  const { reader, seen } = newReader()
  takeEvent(reader, created)
  const later = { ...started, type: 'task.note' as 'task.started' }
  expect([takeEvent(reader, later), lastSeq(reader), seen]).toEqual([false, 2, [1, 2]])
  expect([takeEvent(reader, later), lastSeq(reader), seen]).toEqual([false, 2, [1, 2]])
})

test('an event of a service’s own may say that the work began again', () => {
  const { reader } = newReader()
  const again = { ...started, seq: 3, attempt: 2, type: 'task.retried' as 'task.started', time: '2026-11-29T00:00:00Z' }
  const end = { ...completed, seq: 4, attempt: 2 }
  expect([created, started, again, end].map((event) => takeEvent(reader, event))).toEqual([false, false, false, true])
  expect(reader.seen).toMatchObject({ status: 'completed', version: 4, attempt: 2 })
})

test('stream.reset begins the log again, tells no older state, and reports no event twice', () => {
  const { reader, seen } = newReader()
  const told: number[] = []
  Object.assign(reader.talk.ports, { onProgress: ({ version }: Task) => void told.push(version) })
  for (const event of [created, started]) takeEvent(reader, event)
  expect([takeNamed(reader, 'stream.reset', '{}'), lastSeq(reader)]).toEqual([false, 0])
  expect(log.map((event) => takeEvent(reader, event))).toEqual([false, false, true])
  expect([seen, told, reader.seen]).toEqual([[1, 2, 3], [1, 2, 3], foldEvents(log)])
  expect([takeNamed(reader, undefined, '{"type":"stream.reset"}'), lastSeq(reader)]).toEqual([false, 0])
})

test('a log that is kept only in part begins behind stream.reset, and never elsewhere', () => {
  expect(() => takeEvent(newReader().reader, started)).toThrow('begins with task.created')
  const { reader, seen } = newReader()
  takeNamed(reader, 'stream.reset', '{}')
  expect([started, completed].map((event) => takeEvent(reader, event))).toEqual([false, true])
  expect(reader.seen).toEqual(foldEvents(log))
  expect(seen).toEqual([2, 3])
  for (const [type, status] of [
    ['task.created', 'running'],
    ['task.completed', 'failed'],
  ] as const) {
    takeNamed(reader, 'stream.reset', '{}')
    expect(() => takeEvent(reader, { ...started, type, status })).toThrow(`${type} to ${status}`)
  }
})

test('waits as the server advised, and ends with the signal', async () => {
  const stop = new AbortController()
  const { connect, cursors } = script([[created], channel(true, { adviceMs: 20 })])
  const running = followToEnd(newReader(true, stop.signal).reader, connect)
  await new Promise((resolve) => setTimeout(resolve, 50))
  stop.abort(new Error('enough'))
  await expect(running).rejects.toThrow('enough')
  expect(cursors.length).toBeLessThan(4)
})
