import { problemAnswer, type Given, type Unkindness } from '../../support/unkind-proxy.ts'
import type { Balances } from '../../../patterns/contract/types/account.ts'
import { operator } from '../../../patterns/contract/types/principal.ts'
import { token } from './api-node.ts'
import { enough } from './illegal-accounts.ts'
import { isPage, isTask, isTopUp, problem, withJson } from './wrong-answers.ts'
import type { Asked, Wrong } from './wrong-proxy.ts'
import type { Wire } from '../../support/unkind-wire.ts'
import { legalTogether } from './legal-wires.ts'

/** A proxy before the reference server that does what is legal, and what no case may blame. */
export interface LegalServer {
  readonly name: string
  /** Of the node behind it; `sse-polling` by default. */
  readonly delivery?: string
  /** What principals have to begin with, there; nobody has an account otherwise. */
  readonly balances?: Balances
  /** These cases are decided, too. */
  readonly also?: readonly string[]
  /** It is asked without a token. */
  readonly isOpen?: true
  readonly how?: Unkindness
  /** How its answers lie on the wire. */
  readonly wire?: Wire
  /** It makes a service of somebody else of the server. Made anew for each: some count. */
  readonly other?: () => Wrong
}

const html = (status: number, headers = {}): Given => {
  return { status, headers: { 'content-type': 'text/html', ...headers }, body: '<h1>No</h1>' }
}
const noStream = (given: Given): Unkindness => ({ instead: ({ kind }) => (kind === 'stream' ? given : undefined) })
const busy = (nth: number, given: Given): Unkindness => ({ every: { nth, give: given } })

function byTurns(nth: number, statuses: readonly number[]): Unkindness {
  let asked = 0
  return { instead: () => (++asked % nth === 0 ? html(statuses[(asked / nth) % statuses.length]!) : undefined) }
}

const accountCases = ['adds', 'once', 'paid', 'refused', 'shown', 'unknown', 'waits'].map((one) => `accounts/${one}`)

const familyCases = ['cancelled-later', 'cancelled', 'named', 'resource', 'too-many'].map((one) => `sub-tasks/${one}`)

export const legalServers: readonly LegalServer[] = [
  { name: 'nothing', how: {} },
  { name: 'an API below a path', how: { prefix: '/agent-api' } },
  { name: 'an API below a path, with sockets', delivery: 'websocket', how: { prefix: '/a/b' } },
  { name: 'a repetition that is refused with 409 while the first is worked on', how: { holdFirstMs: 1500 } },
  { name: 'characters in two pieces', how: { words: ['suche 🔎', 'écrire ✍️', '読む'], splitUtf8: true } },
  { name: 'characters in a socket', delivery: 'websocket', how: { words: ['suche 🔎', '読む'] } },
  { name: 'advice as a date', how: { advice: 'date' } },
  { name: 'advice to come back at once', how: { advice: 0 } },
  { name: 'weak validators', how: { weakEtags: true } },
  { name: 'more cache directives', how: { headers: { 'cache-control': 'private, No-Store, no-transform' } } },
  { name: 'no hint for nginx', how: { headers: { 'x-accel-buffering': undefined } } },
  { name: 'no exact advice and no server name', how: { headers: { 'retry-after-ms': undefined, server: 'edge' } } },
  { name: 'streams that are refused with 405', how: noStream(html(405, { allow: 'GET' })) },
  { name: 'streams that are refused with 501', how: noStream(problemAnswer(501)) },
  { name: 'streams that are refused with a page', how: noStream(html(404)) },
  {
    name: 'JSON for who asks for a stream',
    how: noStream({ status: 200, body: '{"events":[]}', headers: { 'content-type': 'application/json' } }),
  },
  {
    name: 'sockets that are refused with 405',
    delivery: 'websocket',
    how: { instead: ({ kind }) => (kind === 'socket' ? html(405) : undefined) },
  },
  { name: 'every fifth answer is 503', how: busy(5, problemAnswer(503, { retryable: true }, { 'retry-after': '1' })) },
  { name: 'every fifth answer is 503 of a front end', how: busy(5, html(503)) },
  { name: 'every seventh answer is 429', how: busy(7, problemAnswer(429, {}, { 'retry-after': '1' })) },
  { name: 'every ninth answer is 502', how: busy(9, html(502)) },
  { name: 'every seventh answer is 408, 421, 425 or 522', how: byTurns(7, [408, 421, 425, 522]) },
  { name: 'every seventh answer is 500 and may be repeated', how: busy(7, problemAnswer(500, { retryable: true })) },
  { name: 'every seventh answer is 423, or 403 for now', other: heldNow },
  { name: 'a ping before the events', how: { preface: 'event: ping\ndata: hello\n\n' } },
  { name: 'a reset before the events', how: { preface: 'event: stream.reset\ndata: {}\n\n' } },
  { name: 'a byte order mark', how: { preface: '\uFEFF: hello\n\n' } },
  { name: 'another time to come back', how: { retryMs: 3000 } },
  { name: 'streams in small pieces', how: { pieceBytes: 7 } },
  { name: 'large events', how: { artifactBytes: 300 * 1024 } },
  { name: 'connections that idle for 40 ms', how: { keepAliveMs: 40 } },
  { name: 'streams that are cut', how: { cutAfterMs: 500 } },
  { name: 'sockets that are cut', delivery: 'websocket', how: { cutAfterMs: 500 } },
  {
    name: 'pings and words of its own in a socket',
    delivery: 'websocket',
    how: { chatter: ['{"type":"ping"}', 'hello'] },
  },
  { name: 'sockets that are cut at their end', delivery: 'websocket', other: cutAtTheEnd },
  { name: 'no token', isOpen: true, how: { token } },
  { name: 'no token, with sockets', delivery: 'websocket', isOpen: true, how: { token } },
  { name: 'events whose data are its own', other: () => eachEvent(withOwnData) },
  { name: 'an event of a type of its own before the work begins', other: scheduling },
  { name: 'times with an offset', other: () => tasks(({ updated_at: at }) => ({ updated_at: withOffset(at) })) },
  { name: 'a field of its own that changes', other: () => tasks(() => ({ served_in_ms: performance.now() })) },
  {
    name: 'null for what is not there',
    other: () => tasks((task) => ({ ...Object.fromEntries(optional.map((name) => [name, null])), ...task })),
  },
  { name: 'a clock that is an hour ahead, and a date to come back', other: busyAhead },
  {
    name: 'tasks that do not show what they may leave out',
    other: () => tasks(() => ({ context_version: undefined, credits_granted: undefined })),
  },
  { name: 'a log that is kept only in part', other: () => ({ answer: refuseFirst, frames: withoutFirst }) },
  { name: 'every second long poll is not held', other: halfHeld },
  { name: 'problem types that are names', other: () => problemTypes((kind) => `urn:example:problem:${kind}`) },
  { name: 'problem types on one page', other: () => problemTypes((kind) => `https://example.com/problems#${kind}`) },
  { name: 'accounts', balances: enough, other: () => ({}), also: accountCases },
  {
    name: 'accounts that its token may not top up',
    balances: { [operator]: 1_000_000 },
    other: () => ({
      ask: (asked) => (isTopUp(asked) && asked.headers.authorization ? problem(403, 'insufficient-scope') : {}),
    }),
    also: ['accounts/paid', 'accounts/shown', 'accounts/unknown'],
  },
  {
    name: 'an account of more than anybody uses up',
    balances: { [operator]: 1_000_000 },
    how: {},
    also: accountCases.filter((id) => id !== 'accounts/waits'),
  },
  { name: 'sub-tasks', how: {}, also: familyCases },
  { name: 'sub-tasks whose ids are like any others', other: otherIds, also: familyCases.slice(1) },
  { name: 'sub-tasks that are known a little later', other: lateSubTasks, also: familyCases.slice(1) },
  ...legalTogether,
  { name: 'interim answers before a socket', delivery: 'websocket', wire: { before: 'HTTP/1.1 100 Continue\r\n\r\n' } },
  { name: 'pages of somebody else beside the API', other: () => ({ ask: besideTheApi }) },
]

/** But for what the contract says of commands and memories. */
function withOwnData({ type, data }: Record<string, unknown>): object {
  const isControl = /^task\.(?:commanded|interrupted|continued|topped_up|command_void|spawned)$|^context\./.test(
    String(type),
  )
  return { data: isControl ? data : { note: 'mine' } }
}

function tasks(change: (task: Record<string, unknown>) => object): Wrong {
  return { answer: (answered) => (isTask(answered) ? withJson(answered, change) : {}) }
}

/** Locked by turns with asked too often. */
function heldNow(): Wrong {
  let asked = 0
  return {
    ask: () => {
      if (++asked % 7 !== 0) return {}
      const headers = { 'content-type': 'text/html', 'retry-after': '0' }
      return { status: asked % 2 === 0 ? 423 : 403, headers, body: '<h1>Later</h1>' }
    },
  }
}

/** Every second connection is cut after the last event, before the server closes it. */
function cutAtTheEnd(): Wrong {
  let ends = 0
  return { socket: { close: (code) => (code === 1000 && ++ends % 2 === 1 ? 1006 : code) } }
}

function problemTypes(named: (kind: string) => string): Wrong {
  return {
    answer: (answered) => {
      if (answered.headers['content-type'] !== 'application/problem+json') return {}
      return withJson(answered, ({ type }) => ({ type: named(String(type).split('/').at(-1)!) }))
    },
  }
}

/** The same in pages and in streams. */
function eachEvent(change: (event: Record<string, unknown>) => object): Wrong {
  const changed = (event: Record<string, unknown>): object => ({ ...event, ...change(event) })
  return {
    answer: (answered, asked) => {
      if (!isPage(asked) || answered.status !== 200) return {}
      return withJson(answered, ({ events }) => ({ events: (events as Record<string, unknown>[]).map(changed) }))
    },
    frames: async function* (frames) {
      for await (const frame of frames)
        yield frame.replace(/^data: (.*)$/m, (_, data: string) => `data: ${JSON.stringify(changed(JSON.parse(data)))}`)
    },
  }
}

/** A task stands in a line before its work begins, and its log says so. */
function scheduling(): Wrong {
  return eachEvent(({ seq, type }) => {
    if (seq === 2 && type === 'task.started') return { type: 'queue.position', status: 'queued', attempt: 0 }
    return seq === 3 && type === 'task.progress' ? { type: 'task.started', data: {} } : {}
  })
}

function withOffset(time: unknown): string {
  return String(time).replace('Z', '+00:00')
}

function refuseFirst(answered: { readonly status: number }, asked: Asked) {
  const isCut = isPage(asked) && answered.status === 200 && /after=0\b/.test(asked.path)
  return isCut ? problem(410, 'cursor-expired') : {}
}

/** A stream from the beginning says that it has not all of it. */
async function* withoutFirst(frames: AsyncIterable<string>, { headers, path }: Asked): AsyncIterable<string> {
  const after = Math.max(Number(headers['last-event-id'] ?? 0), Number(/after=(\d+)/.exec(path)?.[1] ?? 0))
  if (after === 0) yield 'event: stream.reset\ndata: {}\n\n'
  for await (const frame of frames) if (!/^id: ?1$/m.test(frame)) yield frame
}

function halfHeld(): Wrong {
  let polls = 0
  return {
    ask: ({ path }) => (path.includes('wait=') && ++polls % 2 === 0 ? { path: path.replace(/wait=\d+&?/, '') } : {}),
  }
}

function besideTheApi({ path }: Asked) {
  return /^\/(?:v1\/tasks|problems)\b/.test(path) ? {} : html(404)
}

const optional = 'status_reason finished_at credits_used credits_granted context_version parent principal'.split(' ')

/** Every sixth answer is for the next second, of a clock that its own date shows. */
function busyAhead(): Wrong {
  let asked = 0
  return {
    ask: () => {
      if (++asked % 6 !== 0) return {}
      const date = Date.now() + 3_600_000
      const [now, then] = [date, date + 1000].map((at) => new Date(at).toUTCString())
      return { status: 503, headers: { date: now, 'retry-after': then }, body: '' }
    },
  }
}

/** Whose a sub-task is, its id does not say. */
function otherIds(): Wrong {
  const inside = (text: string): string => text.replaceAll(/(\w)~(\d+)_(\d+)/g, '$1.$2-$3')
  const outside = (text: string): string => {
    return text.replaceAll(/task_[\w-]+(?:\.\d+-\d+)+/g, (id) => id.replaceAll(/\.(\d+)-/g, '~$1_'))
  }
  return {
    ask: ({ path }) => ({ path: inside(decodeURIComponent(path)) }),
    answer: ({ body }) => ({ body: outside(body) }),
    frames: async function* (frames) {
      for await (const frame of frames) yield outside(frame)
    },
  }
}

function lateSubTasks(): Wrong {
  const since = new Map<string, number>()
  return {
    ask: ({ path }) => {
      const id = /task_[\w-]+(?:\.\d+-\d+)+/.exec(path)?.[0]
      if (id === undefined) return {}
      since.set(id, since.get(id) ?? Date.now())
      return Date.now() - since.get(id)! < 300 ? problem(404, 'not-found') : {}
    },
  }
}
