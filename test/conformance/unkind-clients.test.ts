import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { openTaskClient } from '../../patterns/client.ts'
import type { RunJob } from '../../patterns/contract/client/client.ts'
import type { Task } from '../../patterns/contract/types/task.ts'
import {
  inSeconds,
  problemAnswer,
  startUnkindProxy,
  type Given,
  type Kind,
  type UnkindProxy,
  type Unkindness,
} from '../support/unkind-proxy.ts'
import { startApiNode, token, type ApiNode } from './support/api-node.ts'
import { portsFor } from './support/client-ports.ts'
import { requestBody, submit } from './support/http.ts'

// @alone: pauses are measured. All is at time scale 1, so most of these wait: all at once, for little more than a minute. Only the
// servers' tasks are short.
vi.setConfig({ maxConcurrency: 500, testTimeout: 150_000 })

const nodes = new Map<string, ApiNode>()
/** One whose tasks take half a minute: they do not end while a client is watched. */
let slow: ApiNode
beforeAll(async () => {
  for (const name of ['sse-polling', 'sync', 'websocket']) nodes.set(name, await startApiNode(name))
  slow = await startApiNode('sse-polling', 'memory', { timeScale: 1 })
  nodes.set('slow', slow)
  nodes.set('slow-sockets', await startApiNode('websocket', 'memory', { timeScale: 1 }))
})
afterAll(() => Promise.all([...nodes.values()].map((node) => node[Symbol.asyncDispose]())))

/** `client` is what applications import, the others are those of the deliveries. */
type Name = 'client' | 'polling' | 'sse' | 'sse-polling' | 'sync' | 'websocket'
const all: readonly Name[] = ['client', 'polling', 'sse', 'sse-polling', 'websocket']
/** With the one that has nothing but its submission. */
const submitting: readonly Name[] = [...all, 'sync']
const streaming: readonly Name[] = ['client', 'sse', 'sse-polling', 'websocket']
const reading: readonly Name[] = ['client', 'polling', 'sse-polling']

interface Outcome {
  readonly proxy: UnkindProxy
  readonly task?: Task
  readonly error?: Error & { readonly reason?: string; readonly isCertain?: boolean }
  readonly tookMs: number
  /** Versions, as progress was told. */
  readonly told: readonly number[]
}

interface Run {
  readonly how: Unkindness
  readonly deadlineMs?: number
  readonly isSlow?: boolean
}

let ordinal = 0
const startGapMs = 50

/** One task, from submission to what its client learns, at time scale 1. */
async function run(name: Name, { how, deadlineMs = 60_000, isSlow = false }: Run): Promise<Outcome> {
  const node = nodes.get(nodeFor(name, isSlow))!
  const mine = ++ordinal
  // Hundreds that begin in one moment would measure each other.
  await sleep(mine * startGapMs)
  await using proxy = await startUnkindProxy(node.url, how)
  const key = `unkind-${mine}`
  const input = { seed: mine, profile: 'smoke', job: key }
  const told: number[] = []
  const onProgress = ({ version }: Task): void => void told.push(version)
  const began = performance.now()
  const learned = await learn(name, proxy.url, { key, input, deadlineMs, onProgress }).then(
    (task) => ({ task }),
    (error: Error) => ({ error }),
  )
  return { proxy, ...learned, tookMs: performance.now() - began, told }
}

function nodeFor(name: Name, isSlow: boolean): string {
  if (name === 'websocket') return isSlow ? 'slow-sockets' : name
  if (name === 'sync') return name
  return isSlow ? 'slow' : 'sse-polling'
}

interface Wanted {
  readonly key: string
  readonly input: { readonly seed: number; readonly profile: string; readonly job: string }
  readonly deadlineMs: number
  readonly onProgress: (task: Task) => void
}

async function learn(name: Name, url: string, { key, input, deadlineMs, onProgress }: Wanted): Promise<Task> {
  if (name === 'client') {
    await using client = openTaskClient({ apis: [url], token })
    return await client.run({ key, type: 'agent', input, deadlineMs, onProgress })
  }
  const { default: runJob } = (await import(`../../patterns/deliveries/${name}/client.ts`)) as { default: RunJob }
  const job = { key, ordinal: 0, input, giveUpAt: performance.now() + deadlineMs }
  const ports = portsFor([url], { timeScale: 1, onProgress })
  return (await runJob(job, ports, AbortSignal.timeout(deadlineMs))).task
}

/** Requests for the events, of whichever kind. */
function opens(proxy: UnkindProxy): number {
  return proxy.count('stream') + proxy.count('socket')
}

/** The first of two requests may reach the proxy so much later than it was sent: two hundred cases run at once. */
const lateMs = 100

function openGapsMs(proxy: UnkindProxy): readonly number[] {
  return [...proxy.gapsMs('stream'), ...proxy.gapsMs('socket')]
}

/** Whatever a server says: two requests about one task in a second. */
function expectPaced({ proxy }: Outcome): void {
  const times = proxy.seen.map(({ atMs }) => atMs)
  const most = Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + 1000).length))
  expect(most).toBeLessThanOrEqual(2)
}

function expectDone(outcome: Outcome): void {
  expect(outcome.error).toBeUndefined()
  expect(outcome.task!.status).toBe('completed')
  expectPaced(outcome)
}

const isStream = (kind: Kind): boolean => kind === 'stream' || kind === 'socket'
const html = (status: number): Given => ({ status, headers: { 'content-type': 'text/html' }, body: '<h1>no</h1>' })

describe.concurrent.each(reading)('%s, advised to come back at once', (name) => {
  test('reads no more than once a second', async () => {
    const instead = ({ kind }: { kind: Kind }) => (isStream(kind) ? html(503) : undefined)
    const how = { advice: 0, ignoresWait: true, instead }
    const outcome = await run(name, { how, isSlow: true, deadlineMs: 10_000 })
    expect(outcome.proxy.count('read')).toBeLessThanOrEqual(15)
    expect(outcome.proxy.count('read')).toBeGreaterThanOrEqual(2)
    expect(outcome.error!.message).toMatch(/the last answer: HTTP \d+/)
    expectPaced(outcome)
  })
})

describe.concurrent.each(reading)('%s, asked to wait', (name) => {
  test.each(['submit', 'read'] as const)('until a date, at a %s: not before it', async (asked) => {
    const given = (): Given => ({ status: 503, headers: { 'retry-after': inSeconds(10) } })
    const instead = ({ kind, nth }: { kind: Kind; nth: number }) =>
      isStream(kind) ? html(405) : kind === asked && nth === 1 ? given() : undefined
    const outcome = await run(name, { how: { instead, advice: 0, adviceOn: ['submit'] } })
    expectDone(outcome)
    expect(outcome.proxy.gapsMs(asked)[0]).toBeGreaterThanOrEqual(9_000)
  })

  test.each(['submit', 'read'] as const)('for eleven days, at a %s: there is a last try', async (asked) => {
    const never = { status: 503, headers: { 'retry-after': '999999' } }
    const instead = ({ kind, nth }: { kind: Kind; nth: number }) =>
      isStream(kind) ? html(405) : kind === asked && nth === 1 ? never : undefined
    const outcome = await run(name, { how: { instead, advice: 0, adviceOn: ['submit'] }, deadlineMs: 60_000 })
    expectDone(outcome)
    expect(outcome.proxy.gapsMs(asked)[0]).toBeGreaterThanOrEqual(29_000)
  })
})

describe.concurrent.each(['client', 'sse', 'sse-polling'] as const)(
  '%s, with a stream that is closed at once',
  (name) => {
    test('retry: is a minimum', async () => {
      const outcome = await run(name, {
        how: { retryMs: 3000, closeAfter: 'comment' },
        isSlow: true,
        deadlineMs: 20_000,
      })
      expect(opens(outcome.proxy)).toBeGreaterThanOrEqual(3)
      for (const gapMs of openGapsMs(outcome.proxy)) expect(gapMs).toBeGreaterThanOrEqual(3_000 - lateMs)
      expectPaced(outcome)
    })

    test('retry: 0 means the own base', async () => {
      const outcome = await run(name, { how: { retryMs: 0, closeAfter: 'comment' }, isSlow: true, deadlineMs: 6_000 })
      expect(opens(outcome.proxy)).toBeLessThanOrEqual(8)
      expectPaced(outcome)
    })

    test('a byte is no progress: at most eight streams in a minute', async () => {
      const unkindness = { closeAfter: 'comment', instead: endless } as const
      const outcome = await run(name, { how: unkindness, deadlineMs: 60_000 })
      expect(opens(outcome.proxy)).toBeLessThanOrEqual(8)
      expectPaced(outcome)
    })
  },
)

describe.concurrent.each([1008, 1012, 1013])('websocket, closed with %d at once', (closeCode) => {
  test('comes back at most eight times in a minute', async () => {
    const outcome = await run('websocket', { how: { closeCode }, isSlow: true, deadlineMs: 60_000 })
    expect(opens(outcome.proxy)).toBeLessThanOrEqual(8)
    expectPaced(outcome)
    if (closeCode === 1008) expect(outcome.error).toMatchObject({ reason: 'not-streamable', isCertain: false })
    else expect(outcome.error!.message).toContain(`closed: ${closeCode}`)
  })
})

describe.concurrent.each(streaming)('%s, with a stream that is refused', (name) => {
  test('503 and twenty seconds: not before that', async () => {
    const busy = problemAnswer(503, { retryable: true }, { 'retry-after': '20' })
    const instead = (asked: { kind: Kind }) => (isStream(asked.kind) ? busy : endless(asked))
    const outcome = await run(name, { how: { instead }, isSlow: name === 'websocket', deadlineMs: 45_000 })
    expect(opens(outcome.proxy)).toBeGreaterThanOrEqual(2)
    for (const gapMs of openGapsMs(outcome.proxy)) expect(gapMs).toBeGreaterThanOrEqual(20_000 - lateMs)
    expectPaced(outcome)
  })

  test.each([400, 405, 410, 501])('%d, while reads go on: falls back, or ends by name', async (status) => {
    const instead = ({ kind }: { kind: Kind }) => (isStream(kind) ? problemAnswer(status) : undefined)
    const isAlone = name === 'sse' || name === 'websocket'
    const outcome = await run(name, { how: { instead }, isSlow: isAlone, deadlineMs: 20_000 })
    expect(opens(outcome.proxy)).toBeLessThanOrEqual(3)
    if (!isAlone) return expectDone(outcome)
    const failure = { name: 'JobFailed', reason: 'not-streamable', isCertain: false }
    expect(outcome.error).toMatchObject({ ...failure, message: expect.stringContaining(`HTTP ${status}`) })
    expect(outcome.tookMs).toBeLessThan(6_000)
  })
})

describe.concurrent.each(submitting)('%s, whose submission is answered', (name) => {
  test('402 as a problem without extensions: refused at once, by name', async () => {
    const instead = () => ({
      status: 402,
      headers: { 'content-type': 'application/problem+json' },
      body: '{"title":"pay"}',
    })
    const { error, proxy, tookMs } = await run(name, { how: { instead } })
    expect(error).toMatchObject({ reason: 'refused', isCertain: true, message: expect.stringContaining('402') })
    expect([proxy.count('submit'), tookMs < 4_000]).toEqual([1, true])
  })

  test.each([401, 403, 404])(
    '%d by somebody else: ends by name, in seconds, with a handful of requests',
    async (status) => {
      const { error, proxy, tookMs } = await run(name, { how: { instead: () => html(status) } })
      expect(error).toMatchObject({
        reason: 'refused',
        isCertain: false,
        message: expect.stringContaining(`HTTP ${status}`),
      })
      expect(proxy.count('submit')).toBeLessThanOrEqual(5)
      expect(tookMs).toBeLessThan(10_000)
    },
  )

  test.each([
    [
      'a redirect',
      { status: 308, headers: { location: 'https://elsewhere.example/v1/tasks' } },
      'HTTP 308 to https://elsewhere',
    ],
    ['a page', { status: 200, headers: { 'content-type': 'text/html' }, body: 'hello' }, 'HTTP 200'],
  ] as const)('with %s: the deadline names it', async (_, given, said) => {
    const { error, proxy } = await run(name, { how: { instead: () => given }, deadlineMs: 8_000 })
    expect(error).toMatchObject({ name: 'TimeoutError', message: expect.stringContaining(said) })
    expect(proxy.count('submit')).toBeLessThanOrEqual(6)
  })

  test('425 with retryable: true, and a 400 that says so too: repeated', async () => {
    const answers = [problemAnswer(425), problemAnswer(400, { retryable: true })]
    const instead = ({ kind, nth }: { kind: Kind; nth: number }) => (kind === 'submit' ? answers[nth - 1] : undefined)
    expectDone(await run(name, { how: { instead } }))
  })
})

describe.concurrent.each(all)('%s, whose submission is held', (name) => {
  test('409 while the first one is held for 45 s: the same task, completed', async () => {
    const outcome = await run(name, { how: { holdFirstMs: 45_000 }, deadlineMs: 95_000 })
    expectDone(outcome)
    const conflicts = outcome.proxy.seen.filter(({ kind, status }) => kind === 'submit' && status === 409)
    expect(conflicts.length).toBeGreaterThan(0)
    for (const gapMs of outcome.proxy.gapsMs('submit')) expect(gapMs).toBeGreaterThanOrEqual(1_000 - lateMs)
  })
})

describe.concurrent.each(submitting)('%s, at a busy server', (name) => {
  test.each([
    ['429', { status: 429, headers: { 'retry-after': '1' } }],
    ['503', problemAnswer(503, {}, { 'retry-after': '1' })],
  ])('that answers every third request with %s: completed', async (_, busy) => {
    expectDone(await run(name, { how: { every: { nth: 3, give: busy } } }))
  })

  test('that answers 409 to the first three submissions: the same key, completed', async () => {
    const instead = ({ kind, nth }: { kind: Kind; nth: number }) =>
      kind === 'submit' && nth <= 3 ? problemAnswer(409) : undefined
    const outcome = await run(name, { how: { instead } })
    expectDone(outcome)
    const keys = outcome.proxy.seen.map(({ headers }) => headers['idempotency-key']).filter((key) => key !== undefined)
    expect([keys.length, new Set(keys).size]).toEqual([4, 1])
    for (const gapMs of outcome.proxy.gapsMs('submit')) expect(gapMs).toBeGreaterThanOrEqual(1_000 - lateMs)
  })
})

describe.concurrent.each(submitting)('%s, at a mount point', (name) => {
  test('asks nowhere else', async () => {
    const outcome = await run(name, { how: { prefix: '/agent-api' } })
    expectDone(outcome)
    expect(outcome.proxy.seen.every(({ status }) => status !== 404)).toBe(true)
  })
})

describe.concurrent.each(['client', 'sse', 'sse-polling'] as const)('%s, whose stream is answered', (name) => {
  test('with a page of JSON: falls back, or ends by name', async () => {
    const page = { status: 200, headers: { 'content-type': 'application/json' }, body: '{"events":[]}' }
    const instead = ({ kind }: { kind: Kind }) => (kind === 'stream' ? page : undefined)
    const outcome = await run(name, { how: { instead }, isSlow: name === 'sse', deadlineMs: 20_000 })
    if (name !== 'sse') return expectDone(outcome)
    const message = expect.stringContaining('not an event stream: application/json')
    expect(outcome.error).toMatchObject({ reason: 'not-streamable', message })
  })
})

describe.concurrent.each(streaming)('%s, of a log that is kept only in part', (name) => {
  test('joins it where it begins: one stream, completed', async () => {
    const outcome = await run(name, { how: { keptFrom: 3 } })
    expectDone(outcome)
    expect(opens(outcome.proxy)).toBe(1)
    expect(outcome.told[0]).toBe(3)
  })
})

describe.concurrent.each(all)('%s, over connections that idle for 40 ms at most', (name) => {
  test('loses nothing', async () => {
    expectDone(await run(name, { how: { keepAliveMs: 40 } }))
  })
})

describe.concurrent('a cancellation', () => {
  const cancelWith = async (how: Unkindness, taskId?: string) => {
    await using proxy = await startUnkindProxy(slow.url, how)
    await using client = openTaskClient({ apis: [proxy.url], token })
    const { json } = await submit(slow.url, `cancel-${++ordinal}`, requestBody(ordinal))
    const ended = client.cancel(taskId ?? json.task_id, { deadlineMs: 20_000 })
    return { result: await ended.catch((error: Error) => error), proxy }
  }

  test('is repeated until it is answered', async () => {
    const instead = ({ kind, nth }: { kind: Kind; nth: number }) =>
      kind === 'cancel' && nth < 3 ? html(502) : undefined
    const { result, proxy } = await cancelWith({ instead })
    expect([(result as Task).status, proxy.count('cancel')]).toEqual([expect.stringMatching(/^cancel/), 3])
  })

  test('that is answered without a content is followed by a read', async () => {
    const instead = ({ kind }: { kind: Kind }) => (kind === 'cancel' ? { status: 204 } : undefined)
    const { result, proxy } = await cancelWith({ instead })
    expect(result).toMatchObject({ status: expect.stringMatching(/^(?:queued|running)$/) })
    expect([proxy.count('cancel'), proxy.count('read')]).toEqual([1, 1])
  })

  test.each([
    [409, 'refused', 1],
    [405, 'refused', 1],
    [404, 'gone', 2],
    [410, 'gone', 1],
  ] as const)('that is answered %d is %s', async (status, reason, requests) => {
    const { result, proxy } = await cancelWith({ instead: () => problemAnswer(status) })
    expect(result).toMatchObject({ reason, message: expect.stringContaining(`HTTP ${status}`) })
    expect(proxy.count('cancel')).toBe(requests)
  })
})

describe.concurrent.each(all)('%s, whose task', (name) => {
  test('is unknown for a second: patient, and completed', async () => {
    const outcome = await run(name, { how: { unknownForMs: 1_000, advice: 0, adviceOn: ['submit'] } })
    expectDone(outcome)
    const missed = outcome.proxy.seen.filter(({ status }) => status === 404).map(({ atMs }) => atMs)
    for (const [i, at] of missed.slice(1).entries()) expect(at - missed[i]!).toBeGreaterThanOrEqual(1_000)
  })

  test('stays unknown: gone, and not sooner than a replica may lag', async () => {
    const how = { unknownForMs: 60_000, advice: 0, adviceOn: ['submit'] as const }
    const { error, proxy, tookMs } = await run(name, { how })
    expect(error).toMatchObject({ reason: 'gone', isCertain: true })
    expect(tookMs).toBeGreaterThan(9_500)
    expect(tookMs).toBeLessThan(25_000)
    expect(proxy.seen.length).toBeLessThanOrEqual(12)
  })

  test.each([
    [410, 'gone', true],
    [401, 'refused', false],
    [403, 'refused', false],
  ] as const)('is answered %d: %s within seconds, after three requests at most', async (status, reason, isCertain) => {
    const instead = ({ kind }: { kind: Kind }) => (kind === 'submit' ? undefined : problemAnswer(status))
    const { error, proxy, tookMs } = await run(name, { how: { instead, advice: 0, adviceOn: ['submit'] } })
    expect(error).toMatchObject({ reason, isCertain, message: expect.stringContaining(`HTTP ${status}`) })
    expect(proxy.seen.length - proxy.count('submit')).toBeLessThanOrEqual(3)
    expect(tookMs).toBeLessThan(4_000)
  })

  test('is answered 404 by somebody else: ends by name, in seconds, with a handful of requests', async () => {
    const instead = ({ kind }: { kind: Kind }) => (kind === 'submit' ? undefined : html(404))
    const { error, proxy, tookMs } = await run(name, { how: { instead, advice: 0, adviceOn: ['submit'] } })
    expect(error).toMatchObject({ name: 'JobFailed', isCertain: false, message: expect.stringContaining('HTTP 404') })
    expect(proxy.seen.length).toBeLessThanOrEqual(12)
    expect(tookMs).toBeLessThan(25_000)
  })
})

describe.concurrent.each(['client', 'sse', 'sse-polling'] as const)('%s, with a stream', (name) => {
  test.each([
    ['ping', 'event: ping\ndata: hello\n\n'],
    ['stream.reset', 'event: stream.reset\ndata: {}\n\n'],
    ['a byte order mark', '\uFEFF: hello\n\n'],
  ])('that begins with %s: one stream, completed', async (_, preface) => {
    const outcome = await run(name, { how: { preface } })
    expectDone(outcome)
    expect(opens(outcome.proxy)).toBe(1)
    expect(outcome.told).toEqual([...new Set(outcome.told)].toSorted((a, b) => a - b))
  })

  test('whose characters are cut in two', async () => {
    const how = { words: ['suche 🔎', 'schön'], splitUtf8: true }
    expectDone(await run(name, { how }))
  })
})

describe.concurrent.each(streaming)('%s, with an event', (name) => {
  test.each([undefined, 1000, 65_536, 1_000_000])(
    'of 400 KiB, in pieces of %s: by name, once, with both sizes',
    async (pieceBytes) => {
      const how = { artifactBytes: 400 * 1024, ...(pieceBytes !== undefined && { pieceBytes }) }
      const outcome = await run(name, { how })
      expect(opens(outcome.proxy)).toBe(1)
      if (name === 'client' || name === 'sse-polling') return expectDone(outcome)
      const message = /event-too-large: 409\d{3} bytes, at most 262144 are taken/
      expect(outcome.error).toMatchObject({
        reason: 'not-streamable',
        isCertain: false,
        message: expect.stringMatching(message),
      })
    },
  )

  test.each([undefined, 1000, 1_000_000])('of 200 KiB, in pieces of %s: taken', async (pieceBytes) => {
    const how = { artifactBytes: 200 * 1024, ...(pieceBytes !== undefined && { pieceBytes }) }
    const outcome = await run(name, { how })
    expectDone(outcome)
    expect(outcome.proxy.count('read')).toBe(0)
  })
})

/** Reads that never show an end, so that a client can be watched for as long as it takes. */
function endless({ kind }: { readonly kind: Kind }): Given | undefined {
  if (kind !== 'read') return undefined
  return { status: 304, headers: { etag: '"1"', 'retry-after': '5' } }
}
