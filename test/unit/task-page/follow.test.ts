import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import type { Channel, OpenChannel } from '../../../harness/task-page/browser/channel.ts'
import type { LoggedEvent } from '../../../harness/task-page/shown/event.ts'

/** The page's scripts are of another program, with a browser's types: here they are what is called below. */
interface Scripts {
  readonly followTask: (taskId: string, open: OpenChannel, following: object) => Channel
  readonly openPolling: OpenChannel
  readonly openSocket: OpenChannel
}
let scripts: Scripts

class FakeSocket extends EventTarget {
  static readonly OPEN = 1
  static last: FakeSocket
  readyState = 1
  constructor() {
    super()
    FakeSocket.last = this
  }
  send(): void {}
  close(): void {}
  hear(type: string, more: object = {}): void {
    this.dispatchEvent(Object.assign(new Event(type), more))
  }
}

/** What the service answers: by the path that is asked for. */
let answer: (path: string) => Response
const asked: string[] = []
beforeAll(async () => {
  vi.stubGlobal('location', { href: 'http://page.test/token/' })
  vi.stubGlobal('WebSocket', FakeSocket)
  vi.stubGlobal('fetch', async (url: URL) => {
    asked.push(url.pathname + url.search)
    return answer(url.pathname + url.search)
  })
  const folder = '../../../harness/task-page/browser/'
  const load = async (name: string) => (await import(/* @vite-ignore */ `${folder}${name}.ts`)) as Partial<Scripts>
  const parts = await Promise.all(['follow', 'poll-channel', 'socket-channel'].map(load))
  scripts = Object.assign({}, ...parts) as Scripts
  vi.useFakeTimers()
})
afterAll(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})
beforeEach(() => {
  asked.length = 0
  vi.clearAllTimers()
})

const event = (seq: number, status = 'running'): LoggedEvent => ({
  seq,
  type: 'task.progress',
  time: '2026-12-01T00:00:00Z',
  attempt: 1,
  status,
  data: {},
})
const json = (status: number, body: unknown, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', ...headers } })
const html = (status: number, headers: Record<string, string> = {}): Response =>
  new Response('<html>', { status, headers })
const problem = (status: number, more: object = {}): Response =>
  json(status, { type: '/problems/x', title: 'x', status, retryable: false, ...more })

/** Follows a task and says what the page was told. */
function follow(open: OpenChannel) {
  const log: LoggedEvent[] = []
  const told: { readonly state: string; readonly againInS?: number }[] = []
  const channel = scripts.followTask('t', open, {
    log,
    onConnection: (connection: (typeof told)[number]) => told.push(connection),
    onEvent: (one: LoggedEvent) => log.push(one),
    onAnswer: () => {},
    unsettled: () => [],
  })
  return { log, told, channel, pauses: () => told.flatMap(({ againInS }) => againInS ?? []) }
}

test('a connection that brings nothing new is tried more and more seldom, and one that does is not', async () => {
  let [opens, brings]: [number, number] = [0, 0]
  const open: OpenChannel = (_, after, heard) => {
    opens++
    heard.onOpen()
    if (brings > 0) heard.onEvent(event(after + brings--))
    else if (after > 0) heard.onEvent(event(after))
    queueMicrotask(() => heard.onEnd({}))
    return { say: () => {}, close: () => {} }
  }
  const { pauses, channel } = follow(open)
  await vi.advanceTimersByTimeAsync(20_000)
  expect(pauses().slice(0, 5)).toEqual([0.5, 1, 2, 4, 8])
  expect(opens).toBeLessThan(8)
  brings = 1
  await vi.advanceTimersByTimeAsync(8_100)
  expect(pauses()).toContain(0.5)
  expect(pauses().lastIndexOf(0.5)).toBeGreaterThan(0)
  channel.close()
})

const endings: [name: string, answer: (path: string) => Response, state: string][] = [
  ['401', () => problem(401), 'refused'],
  ['403 of a gateway', () => html(403), 'refused'],
  ['405', () => problem(405), 'refused'],
  ['501', () => html(501), 'refused'],
  ['404', () => problem(404), 'gone'],
  ['400 to a first page', () => html(400), 'refused'],
]
test.each(endings)('a read that is answered %s is not asked for ever', async (_, said, state) => {
  answer = said
  const { told, channel } = follow(scripts.openPolling)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(told.at(-1)!.state).toBe(state)
  expect(asked.length).toBeLessThanOrEqual(6)
  channel.close()
})

test.each([
  ['a log that is shorter than what the page has', json(200, { version: 1, status: 'running' }), 'gone'],
  ['no task any more', problem(404), 'gone'],
  ['a task that is well', json(200, { version: 9, status: 'running' }), 'refused'],
])('400 behind an event is %s', async (_, task, state) => {
  answer = (path) => {
    if (path.includes('?wait=')) return json(200, { version: 2, status: 'running' })
    if (path.includes('after=0')) return json(200, { events: [event(1), event(2)] })
    return path.includes('/events') ? problem(400) : task.clone()
  }
  const { told, channel } = follow(scripts.openPolling)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(told.at(-1)!.state).toBe(state)
  channel.close()
})

test.each([
  ['Retry-After', 503, '20'],
  ['a date', 429, new Date(Date.now() + 20_000).toUTCString()],
  ['403 with one', 403, '20'],
])('%s (%d) is a minimum, and the page says so', async (_, status, advice) => {
  if (!/^\d+$/.test(advice)) advice = new Date(Date.now() + 20_500).toUTCString()
  answer = () => html(status, { 'retry-after': advice })
  const { pauses, channel } = follow(scripts.openPolling)
  await vi.advanceTimersByTimeAsync(19_000)
  expect(asked.length).toBe(1)
  expect(pauses()[0]).toBeGreaterThan(18)
  await vi.advanceTimersByTimeAsync(3_000)
  expect(asked.length).toBeGreaterThanOrEqual(2)
  channel.close()
})

test('what passes is asked again: nobody there, a page of HTML in place of events, a lock', async () => {
  const answers = [html(502), html(200), json(200, {}), problem(423, { retryable: true }), html(421)]
  const last = answers.length
  answer = () => answers.shift() ?? json(200, { events: [event(1, 'completed')] })
  const { told, channel } = follow(scripts.openPolling)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(told.at(-1)!.state).toBe('over')
  expect(asked.length).toBe(last + 1)
  channel.close()
})

test('reads that bring nothing are not a stream of requests, though the task is said to be further', async () => {
  answer = (path) => json(200, path.includes('/events') ? { events: [] } : { version: 9, status: 'running' })
  const { channel } = follow(scripts.openPolling)
  await vi.advanceTimersByTimeAsync(10_000)
  expect(asked.length).toBeLessThanOrEqual(42)
  channel.close()
})

test.each([
  [1013, 5],
  [1012, 0.5],
  [1006, 0.5],
])('after close code %d the next connection comes in %d s', async (code, againInS) => {
  const { pauses, channel } = follow(scripts.openSocket)
  FakeSocket.last.hear('open')
  FakeSocket.last.hear('message', { data: 'plain text, which is no event' })
  FakeSocket.last.hear('close', { code })
  await vi.advanceTimersByTimeAsync(0)
  expect(pauses()).toEqual([againInS])
  channel.close()
})

test.each([
  ['knows no such place', json(200, { version: 0, status: 'queued' }), 'gone'],
  ['lets nobody in', problem(401), 'refused'],
  ['has the task', json(200, { version: 5, status: 'running' }), 'refused'],
])('a socket that is closed with 1008 by a service that %s', async (_, task, state) => {
  answer = () => task.clone()
  const { told, channel } = follow(scripts.openSocket)
  for (let i = 0; i < 4 && told.at(-1)!.state !== state; i++) {
    FakeSocket.last.hear('open')
    if (i === 0) FakeSocket.last.hear('message', { data: JSON.stringify(event(1)) })
    FakeSocket.last.hear('close', { code: 1008 })
    await vi.advanceTimersByTimeAsync(10_000)
  }
  expect(told.at(-1)!.state).toBe(state)
  channel.close()
})
