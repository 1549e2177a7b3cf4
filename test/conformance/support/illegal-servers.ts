import type { Answered, Asked, Wrong } from './wrong-proxy.ts'
import { token } from './api-node.ts'
import type { IllegalServer } from './illegal-server.ts'
import {
  anybody,
  isCancel,
  isPage,
  isRead,
  isSubmission,
  isTask,
  problem,
  withHeader,
  withJson,
} from './wrong-answers.ts'

/** Of answers of one kind a header is another. */
function header(of: (asked: Asked) => boolean, name: string, value?: string): () => Wrong {
  return () => ({ answer: (answered, asked) => (of(asked) ? withHeader(answered, name, value) : {}) })
}

/** What the server refuses so is answered otherwise. */
function instead(status: number, of: (asked: Asked) => boolean, given: Answered): () => Wrong {
  return () => ({ answer: (answered, asked) => (answered.status === status && of(asked) ? given : {}) })
}

function withoutHeader({ ...headers }: Asked['headers'], name: string): Asked['headers'] {
  delete headers[name]
  return headers
}

async function* nothingAfterReset(frames: AsyncIterable<string>): AsyncIterable<string> {
  let isReset = false
  for await (const frame of frames) {
    isReset ||= frame.includes('stream.reset')
    if (!isReset || !/^id:/m.test(frame) || frame.includes('stream.reset')) yield frame
  }
}

async function* atTheEnd(frames: AsyncIterable<string>): AsyncIterable<string> {
  const kept: string[] = []
  for await (const frame of frames)
    if (/"seq":/.test(frame)) kept.push(frame)
    else yield frame
  yield* kept
}

async function* without(frames: AsyncIterable<string>, line: RegExp): AsyncIterable<string> {
  for await (const frame of frames) yield frame.replaceAll(line, '')
}

/** The first event is left out, unless it is the last. */
async function* withoutFirst(frames: AsyncIterable<string>): AsyncIterable<string> {
  let isFirst = true
  for await (const frame of frames) {
    const isEvent = /^id:/m.test(frame)
    if (!isEvent || !isFirst || /"status":"(?:completed|cancelled)"/.test(frame)) yield frame
    if (isEvent) isFirst = false
  }
}

async function* late(frames: AsyncIterable<string>): AsyncIterable<string> {
  await new Promise((resolve) => setTimeout(resolve, 2_400))
  yield* frames
}

const isFrom = (message: string, least: number, most: number): boolean => {
  const place = Number(/"last_seq":(\d+)/.exec(message)?.[1])
  return place >= least && place <= most
}

const illegalSockets: readonly Omit<IllegalServer, 'delivery'>[] = [
  { name: 'sockets as they are', wrong: () => ({ socket: {} }), caughtBy: [] },
  { name: 'sockets that anybody may open', wrong: () => ({ socket: { token } }), caughtBy: ['sockets/handshake'] },
  {
    name: 'sockets that begin at the beginning',
    wrong: () => ({
      socket: { say: (said) => (isFrom(said, 1, 1_000) ? said.replace(/"last_seq":\d+/, '"last_seq":0') : said) },
    }),
    caughtBy: ['sockets/half-open', 'sockets/whole-log'],
  },
  {
    name: 'sockets that leave out an event',
    wrong: () => ({ socket: { hear: (said) => (/"seq":3\b/.test(said) ? undefined : said) } }),
    caughtBy: ['sockets/cancels', 'sockets/half-open', 'sockets/whole-log'],
  },
  {
    name: 'sockets that end as if they were cut',
    wrong: () => ({ socket: { close: (code) => (code === 1000 ? 1001 : code) } }),
    caughtBy: ['sockets/cancels', 'sockets/half-open', 'sockets/whole-log'],
  },
  {
    name: 'sockets that take anything for a hello',
    wrong: () => ({
      socket: {
        say: (said) => {
          const isKnown = /^\{"type":"(?:hello","last_seq":\d+\}$|cancel"\}$|command")/.test(said)
          return isKnown ? said : '{"type":"hello","last_seq":0}'
        },
      },
    }),
    caughtBy: ['sockets/manners'],
  },
  {
    name: 'sockets that do not cancel',
    wrong: () => ({ socket: { say: (said) => (said.includes('cancel') ? undefined : said) } }),
    caughtBy: ['sockets/cancels'],
  },
]

export const illegalServers: readonly IllegalServer[] = [
  {
    name: 'a stream that shows its events in a burst at the end',
    wrong: () => ({ frames: atTheEnd }),
    caughtBy: ['streaming/unbuffered'],
  },
  {
    name: 'a stream whose first byte is late',
    wrong: () => ({ frames: late }),
    caughtBy: ['streaming/unbuffered'],
  },
  {
    name: 'a stream that proxies may transform',
    wrong: header(({ isStream }) => isStream, 'cache-control', 'no-store'),
    caughtBy: ['streaming/unbuffered'],
  },
  {
    name: 'a stream that caches may keep',
    wrong: header(({ isStream }) => isStream, 'cache-control', 'max-age=60, no-transform'),
    caughtBy: ['streaming/unbuffered'],
  },
  {
    name: 'a stream that does not say when to come back',
    wrong: () => ({ frames: (frames) => without(frames, /^retry:.*\n/gm) }),
    caughtBy: ['streaming/whole-log'],
  },
  {
    name: 'a stream without ids',
    wrong: () => ({ frames: (frames) => without(frames, /^id:.*\n/gm) }),
    caughtBy: ['streaming/half-open', 'streaming/resumes', 'streaming/whole-log'],
  },
  {
    name: 'a resumed stream that leaves out an event',
    wrong: () => ({
      frames: (frames, { headers }) => {
        const place = Number(headers['last-event-id'] ?? 0)
        return place > 0 && place < 100 ? withoutFirst(frames) : frames
      },
    }),
    caughtBy: ['streaming/resumes'],
  },
  {
    name: 'an empty stream at the end of the log',
    wrong: () => ({
      answer: ({ status }, { isStream }) =>
        isStream && status === 204 ? { status: 200, headers: { 'content-type': 'text/event-stream' } } : {},
    }),
    caughtBy: ['streaming/ended'],
  },
  {
    name: 'an empty stream of an unknown task',
    wrong: instead(404, ({ isStream }) => isStream, {
      status: 200,
      headers: { 'content-type': 'text/event-stream' },
      body: '',
    }),
    caughtBy: ['problems/streams'],
  },
  {
    name: 'an empty page of an unknown task',
    wrong: instead(404, isPage, {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: '{"events":[]}',
    }),
    caughtBy: ['problems/reads'],
  },
  {
    name: 'another method that is not found',
    wrong: instead(405, () => true, problem(404, 'not-found')),
    caughtBy: ['problems/reads'],
  },
  {
    name: 'a status in the document that is another',
    wrong: () => ({
      answer: (answered) => (answered.status === 415 ? withJson(answered, () => ({ status: 400 })) : {}),
    }),
    caughtBy: ['commands/malformed', 'problems/submissions'],
  },
  {
    name: 'a challenge without a scheme',
    wrong: header(() => true, 'www-authenticate'),
    caughtBy: ['problems/callers'],
  },
  {
    name: 'problems that lead nowhere',
    wrong: () => ({ ask: ({ path }) => (path.startsWith('/problems/') ? problem(404, 'not-found') : {}) }),
    caughtBy: ['problems/types'],
  },
  {
    name: 'an acceptance without a validator',
    wrong: header(isSubmission, 'etag'),
    caughtBy: ['idempotency/described'],
  },
  {
    name: 'an acceptance that caches may keep',
    wrong: header(isSubmission, 'cache-control', 'max-age=60'),
    caughtBy: ['idempotency/described'],
  },
  {
    name: 'advice that is none',
    wrong: header(isSubmission, 'retry-after', 'soon'),
    caughtBy: ['idempotency/described'],
  },
  {
    name: 'a Location that leads nowhere',
    wrong: header(isSubmission, 'location', '/v1/jobs/1'),
    caughtBy: ['idempotency/described'],
  },
  {
    name: 'a Location that is no address',
    wrong: header(isSubmission, 'location', 'data:,task'),
    caughtBy: ['idempotency/described'],
  },
  {
    name: 'a key that is forgotten soon',
    wrong: () => {
      const seen = new Map<string, number>()
      return {
        ask: (asked) => {
          const key = asked.headers['idempotency-key']
          if (!isSubmission(asked) || typeof key !== 'string') return {}
          const at = seen.get(key) ?? performance.now()
          seen.set(key, at)
          if (performance.now() - at < 800) return {}
          return { headers: { ...asked.headers, 'idempotency-key': `${key}-again` } }
        },
      }
    },
    caughtBy: ['idempotency/repeated-later'],
  },
  {
    name: 'a validator that never changes',
    wrong: header((asked) => isRead(asked) || isSubmission(asked), 'etag', '"1"'),
    caughtBy: ['reading/etag'],
  },
  {
    name: 'a read that caches may keep',
    wrong: header(isRead, 'cache-control', 'max-age=60'),
    caughtBy: ['reading/etag'],
  },
  {
    name: 'progress that goes back',
    wrong: () => {
      const lower = new Map<string, boolean>()
      return {
        answer: (answered, asked) => {
          if (!isRead(asked) || answered.status !== 200) return {}
          const isLower = !lower.get(asked.path)
          lower.set(asked.path, isLower)
          return withJson(answered, ({ progress_pct: shown, finished_at }) => {
            return finished_at === undefined && !isLower ? { progress_pct: Math.max(0, Number(shown) - 20) } : {}
          })
        },
      }
    },
    caughtBy: ['task/progress'],
  },
  {
    name: 'a deadline that is cut short',
    wrong: () => ({ ask: ({ body }) => ({ body: body.replace(/"deadline_s":\d{5,}/, '"deadline_s":0.001') }) }),
    caughtBy: ['deadlines/far'],
  },
  {
    name: 'a cancellation that is accepted and not done',
    wrong: () => ({
      ask: (asked) => (isCancel(asked) ? { method: 'GET', path: asked.path.replace(/:cancel$/, '') } : {}),
      answer: (answered, asked) => {
        if (!isCancel(asked) || answered.status !== 200) return {}
        const isEnded = answered.body.includes('"finished_at"')
        return isEnded ? {} : { status: 202, ...withJson(answered, () => ({ status: 'cancelling' })) }
      },
    }),
    caughtBy: ['cancelling/once', 'commands/cancelled', 'sub-tasks/cancelled'],
    undecided: ['cancelling/race'],
  },
  {
    name: 'a cancellation of what has ended that is refused',
    wrong: instead(200, isCancel, problem(409, 'already-terminal')),
    caughtBy: ['cancelling/ended', 'cancelling/once', 'cancelling/race', 'sub-tasks/cancelled-later'],
  },
  {
    name: 'a query that counts more than a newer Last-Event-ID',
    wrong: () => ({
      ask: ({ isStream, path, headers }) =>
        isStream && path.includes('after=') ? { headers: withoutHeader(headers, 'last-event-id') } : {},
    }),
    caughtBy: ['streaming/resumes'],
  },
  {
    name: 'a reset after which nothing comes',
    wrong: () => ({ frames: nothingAfterReset }),
    caughtBy: ['streaming/impossible-cursor'],
  },
  {
    name: 'an impossible place in a query that is waited for',
    wrong: () => ({
      frames: (frames, { path }) =>
        path.includes('after=999999') ? without(frames, /^(?:id|event|data):.*\n/gm) : frames,
    }),
    caughtBy: ['streaming/impossible-cursor'],
  },
  {
    name: 'a log of which no page is kept',
    wrong: instead(200, isPage, problem(410, 'cursor-expired')),
    caughtBy: ['reading/cut-log'],
  },
  {
    name: 'a link to itself that leads nowhere',
    wrong: () => ({
      answer: (answered) =>
        isTask(answered)
          ? withJson(answered, ({ links }) => ({ links: { ...(links as object), self: '/v1/jobs/1' } }))
          : {},
    }),
    caughtBy: ['idempotency/described'],
  },
  {
    name: '200 for a task that has not ended',
    wrong: () => ({
      answer: ({ status }, asked) => (isSubmission(asked) && status === 202 ? { status: 200 } : {}),
    }),
    caughtBy: ['idempotency/described'],
  },
  {
    name: 'a log that anybody may read',
    wrong: anybody(({ path, isStream }) => path.includes('/events') && !isStream),
    caughtBy: ['problems/callers', 'sub-tasks/resource'],
  },
  {
    name: 'a stream that anybody may read',
    wrong: anybody(({ isStream }) => isStream),
    caughtBy: ['problems/callers'],
  },
  { name: 'tasks that anybody may cancel', wrong: anybody(isCancel), caughtBy: ['problems/callers'] },
  {
    name: 'a scheme in one case alone',
    wrong: () => ({
      ask: ({ headers }) => {
        const isOther = headers.authorization?.startsWith('bearer')
        return isOther ? problem(401, 'unauthorized', { 'www-authenticate': 'Bearer' }) : {}
      },
    }),
    caughtBy: ['problems/callers'],
  },
  {
    name: 'a deadline that ends nothing',
    wrong: () => ({ ask: ({ body }) => ({ body: body.replace(/"deadline_s":\d{1,3}\b/, '"deadline_s":86400') }) }),
    caughtBy: ['deadlines/near'],
  },
  { name: '405 that does not say what is allowed', wrong: header(() => true, 'allow'), caughtBy: ['problems/reads'] },
  {
    name: 'keys that are cut off',
    wrong: () => ({
      ask: (asked) => {
        const key = asked.headers['idempotency-key']
        if (!isSubmission(asked) || typeof key !== 'string') return {}
        return { headers: { ...asked.headers, 'idempotency-key': key.replaceAll('"', '').slice(0, 128) } }
      },
    }),
    caughtBy: ['problems/submissions'],
  },
  {
    name: 'keys that may have 64 characters',
    wrong: () => ({
      ask: (asked) => (String(asked.headers['idempotency-key'] ?? '').length > 66 ? problem(400, 'validation') : {}),
    }),
    caughtBy: ['idempotency/other-spelling'],
  },
  {
    name: 'a state that goes back',
    wrong: () => {
      let reads = 0
      return {
        answer: (answered, asked) => {
          if (!isRead(asked) || answered.status !== 200 || ++reads % 2 === 0) return {}
          return withJson(answered, ({ status }) => (status === 'running' ? { status: 'queued' } : {}))
        },
      }
    },
    caughtBy: ['task/progress'],
  },
  ...illegalSockets.map((one) => ({ ...one, delivery: 'websocket' })),
]
