import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { get, request, type IncomingMessage, type RequestOptions } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { LivePage } from '../../../harness/live/live-page.ts'
import type { Progress } from '../../../harness/run/progress.ts'

const subject = { scenario: 'it <b>', question: 'why?', facts: ['seed 1'] }
const cell = 'webhook.kill.1'
const start: Progress = { kind: 'cell-start', cell, pattern: 'webhook', arm: 'kill', tasks: 300, plannedMs: 1 }
const counts = (right: number): Progress => {
  return { kind: 'cell-progress', cell, elapsedMs: 1, started: 120, finished: right, ok: right, failed: 0, right }
}

let page: LivePage
let nowMs: number
let folder: string

beforeEach(async () => {
  nowMs = 0
  page = await LivePage.open(subject, () => nowMs)
  folder = await mkdtemp(join(tmpdir(), 'outlast-live-'))
})
afterEach(async () => {
  await page[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

async function ask(path = '', options: RequestOptions = {}): Promise<Answer> {
  const sent = request(new URL(path, page.url), { agent: false, ...options }).end()
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  let body = ''
  for await (const chunk of answer.setEncoding('utf8')) body += String(chunk)
  return { status: answer.statusCode!, headers: answer.headers, body }
}

/** A reader of the stream, and what it has got. */
async function follow(query = '', headers: Record<string, string> = {}) {
  const sent = get(new URL(`events${query}`, page.url), { agent: false, headers })
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  const reader = { text: '', isOver: false, answer, leave: () => sent.destroy() }
  answer.setEncoding('utf8').on('data', (chunk: string) => (reader.text += chunk))
  answer.on('end', () => (reader.isOver = true)).on('error', () => {})
  return reader
}

async function until(isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !isSo(); i++) await sleep(10)
  expect(isSo()).toBe(true)
}

const port = (): string => new URL(page.url).port

test('it listens on 127.0.0.1 alone, and its address is a secret of 192 bits', () => {
  expect(page.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{32}\/$/)
})

test.each(['/', '/x/', `/${'A'.repeat(32)}/`, `/${'A'.repeat(32)}/events`, '/favicon.ico', '//', '/../'])(
  'without the token %s is not found, and nothing is said',
  async (path) => {
    const { status, body } = await ask(`http://127.0.0.1:${port()}${path}`)
    expect([status, body]).toEqual([404, ''])
  },
)

test.each(['events/x', 'report.html', 'constructor', '__proto__', '../'])(
  'with the token %s is not found either',
  async (path) => {
    expect((await ask(path)).status).toBe(404)
  },
)

test.each(['evil.example', 'evil.example:80', '127.0.0.1', '127.0.0.1:1', 'host.docker.internal'])(
  'a request for the host %j is misdirected: a name of others may mean this machine',
  async (host) => {
    expect((await ask('', { headers: { host } })).status).toBe(421)
  },
)

test('localhost is this machine, too', async () => {
  expect((await ask('', { headers: { host: `localhost:${port()}` } })).status).toBe(200)
})

test('only reading is allowed', async () => {
  const { status, headers } = await ask('', { method: 'POST' })
  expect([status, headers.allow]).toEqual([405, 'GET, HEAD'])
  expect((await ask('', { method: 'HEAD' })).body).toBe('')
})

test('the page says all that is known, escapes it, and allows itself nothing else', async () => {
  page.tell(start)
  page.tell(counts(100))
  page.tell({ kind: 'note', text: '<img src=x onerror=alert(1)>\u202E\u001B[2J' })
  const { body, headers } = await ask()
  expect(body).toContain('100 of 100 right so far')
  expect(body).toContain('it &lt;b&gt;')
  expect(body).toContain('&lt;img src=x')
  expect(body).not.toContain('<img')
  expect(body).not.toMatch(/[\u202E\p{Cc}](?<!\n)/u)
  expect(headers['content-security-policy']).toMatch(
    /^default-src 'none'; style-src 'sha256-[^;]*; script-src 'sha256-/,
  )
  expect(headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
})

test('a stream goes on where the page was, and sends what changes', async () => {
  page.tell(start)
  const [, version] = /data-version="(\d+)"/.exec((await ask()).body)!
  const reader = await follow(`?after=${version}`)
  expect(reader.answer.headers['content-type']).toMatch(/^text\/event-stream/)
  page.tell(counts(57))
  await until(() => reader.text.includes('57 of 57 right so far'))
  expect(reader.text).not.toContain('stream.reset')
  expect(reader.text).not.toContain('"id":"verification"')
})

test('a reader that comes back has what changed meanwhile, by Last-Event-ID', async () => {
  page.tell(start)
  const first = await follow()
  await until(() => first.text.includes(`"id":"cell-${cell}"`))
  const last = [...first.text.matchAll(/^id: (\d+)$/gm)].at(-1)![1]!
  first.leave()
  page.tell(counts(41))
  const second = await follow('', { 'last-event-id': last })
  await until(() => second.text.includes('41 of 41 right so far'))
  expect(second.text).not.toContain('stream.reset')
  expect(second.text.match(/"id":"log"/)).toBeNull()
})

test('a reader with a place that is none gets all of it again', async () => {
  page.tell(start)
  const reader = await follow('?after=999999')
  await until(() => reader.text.includes(`"id":"cell-${cell}"`))
  expect(reader.text).toMatch(/^retry: 1000\n\nid: 0\nevent: stream\.reset\n/)
})

test('nothing is drawn while nobody looks', async () => {
  for (let i = 0; i < 100; i++) page.tell({ kind: 'note', text: String(i) })
  const body = (await ask()).body
  const [, version] = /data-version="(\d+)"/.exec(body)!
  // The parts of an empty page, each drawn once.
  expect(Number(version)).toBeLessThanOrEqual(3)
})

test('at the end viewers are sent to the report, which is there', async () => {
  const report = join(folder, 'report.html')
  await writeFile(report, '<h1>the report</h1>')
  const reader = await follow()
  expect(page.end({ report })).toBe(true)
  await until(() => reader.isOver)
  expect(reader.text).toContain('event: end\ndata: {"report":"report.html"}\n\n')
  expect(await ask('report.html')).toMatchObject({ status: 200, body: '<h1>the report</h1>' })
  expect(await ask()).toMatchObject({ status: 303, headers: { location: 'report.html' } })
  expect((await ask('events')).status).toBe(204)
})

test('without a viewer nobody needs it any more', () => {
  expect(page.end({ report: 'x' })).toBe(false)
})

test('a viewer that has just lost its stream still counts', async () => {
  const reader = await follow()
  await ask()
  reader.leave()
  nowMs += 1_000
  expect(page.end({ report: 'x' })).toBe(true)
})

test('a run without a report says why', async () => {
  const reader = await follow()
  page.end({ why: 'the disk is full' })
  await until(() => reader.isOver)
  expect(reader.text).toContain('{"why":"the disk is full"}')
  expect((await ask()).status).toBe(200)
})

test('no more than sixteen streams are open', async () => {
  const readers = await Promise.all(Array.from({ length: 16 }, () => follow()))
  expect((await ask('events')).status).toBe(503)
  readers[0]!.leave()
  await sleep(50)
  const late = await follow()
  expect(late.answer.statusCode).toBe(200)
})
