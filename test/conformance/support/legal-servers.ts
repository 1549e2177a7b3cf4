import { problemAnswer, type Given, type Unkindness } from '../../support/unkind-proxy.ts'

/** A proxy before the reference server that does what is legal, and what no case may blame. */
export interface LegalServer {
  readonly name: string
  /** Of the node behind it; `sse-polling` by default. */
  readonly delivery?: string
  readonly how: Unkindness
}

const html = (status: number, headers = {}): Given => {
  return { status, headers: { 'content-type': 'text/html', ...headers }, body: '<h1>No</h1>' }
}
const noStream = (given: Given): Unkindness => ({ instead: ({ kind }) => (kind === 'stream' ? given : undefined) })
const busy = (nth: number, given: Given): Unkindness => ({ every: { nth, give: given } })

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
  { name: 'a ping before the events', how: { preface: 'event: ping\ndata: hello\n\n' } },
  { name: 'a reset before the events', how: { preface: 'event: stream.reset\ndata: {}\n\n' } },
  { name: 'a byte order mark', how: { preface: '\uFEFF: hello\n\n' } },
  { name: 'another time to come back', how: { retryMs: 3000 } },
  { name: 'streams in small pieces', how: { pieceBytes: 7 } },
  { name: 'large events', how: { artifactBytes: 300 * 1024 } },
  { name: 'connections that idle for 40 ms', how: { keepAliveMs: 40 } },
]
