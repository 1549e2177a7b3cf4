import { sleep } from '../../../patterns/contract/types/timer.ts'
import { contractCase, type CaseGroup, type Target } from '../case.ts'
import { must, mustBe } from '../expect.ts'
import { isEnd, newKey, readEnd, readEvents, send, slackMs, start, undecidedUnless, until } from '../http.ts'
import { openStream, readStream } from '../stream.ts'

const source = 'WHATWG HTML 9.2; async-api 1.5, 5.2'

export default {
  name: 'streaming',
  summary: 'event streams that begin at once, resume without a gap, stay alive and end',
  cases: [
    contractCase({
      name: 'offered',
      proves: 'whoever promises that a resumed stream has no gap has a stream to resume',
      source: 'patterns/contract/types/promises.ts',
      needs: [],
      quick: true,
      async check({ promises, able }) {
        must(!promises.events || able.stream === true || able.socket === true, 'it has neither a stream nor a socket')
      },
    }),
    contractCase({
      name: 'whole-log',
      proves:
        'a stream carries the whole log with seq as id, tells when to come back, and ends after the terminal event',
      source,
      needs: ['stream'],
      quick: true,
      async check(target) {
        const { self, taskId } = await start(target, newKey('stream'))
        const stream = await readStream(target, `${self}/events`)
        must(/^text\/event-stream\b/.test(String(stream.headers['content-type'])), 'Content-Type: text/event-stream')
        mustBe('events', stream.events, await readEvents(target, taskId))
        mustBe(
          'ids',
          stream.ids,
          stream.events.map(({ seq }) => String(seq)),
        )
        must(isEnd(stream.events.at(-1)!), 'the stream ended without the terminal event')
        must((stream.retryMs[0] ?? 0) > 0, 'the stream says how long to wait before the next one: retry')
      },
    }),
    contractCase({
      name: 'resumes',
      proves: 'at every place of the log a stream resumes after Last-Event-ID; after the query, where there are both',
      source,
      needs: ['stream'],
      quick: true,
      async check(target) {
        const { self, taskId } = await start(target, newKey('resumes'))
        const { version } = await readEnd(target, taskId)
        for (let after = 0; after < version - 1; after++) {
          const stream = await readStream(target, `${self}/events`, { 'last-event-id': String(after) })
          mustBe(`ids after ${after}`, stream.ids, idsFrom(after + 1, version))
        }
        const both = await readStream(target, `${self}/events?after=${version - 2}`, { 'last-event-id': '1' })
        mustBe('ids after the query', both.ids, idsFrom(version - 1, version))
      },
    }),
    contractCase({
      name: 'ended',
      proves: 'a cursor at the terminal event gets 204, which tells every EventSource to stop',
      source,
      needs: ['stream'],
      quick: true,
      async check(target) {
        const { self, taskId } = await start(target, newKey('204'))
        const { version } = await readEnd(target, taskId)
        const headers = { accept: 'text/event-stream' }
        mustBe('by query', (await send(target, `${self}/events?after=${version}`, { headers })).status, 204)
        const byHeader = { ...headers, 'last-event-id': String(version) }
        mustBe('by Last-Event-ID', (await send(target, `${self}/events`, { headers: byHeader })).status, 204)
      },
    }),
    contractCase({
      name: 'cut-log',
      proves:
        'a stream over a log that is kept only in part begins with stream.reset in a 200, never with a silent gap',
      source: 'async-api 5.2: a 410 would end a native EventSource for good',
      needs: ['stream'],
      async check(target) {
        const { self, taskId } = await start(target, newKey('reset'))
        await readEnd(target, taskId)
        const stream = await readStream(target, `${self}/events`, { 'last-event-id': '0' })
        must(
          stream.others.includes('stream.reset') || stream.events[0]?.seq === 1,
          'the beginning of the log is missing',
        )
      },
    }),
    contractCase({
      name: 'all-readers',
      proves: 'twenty readers of one task see the same',
      source,
      needs: ['stream'],
      async check(target) {
        const { self } = await start(target, newKey('readers'))
        const streams = await Promise.all(Array.from({ length: 20 }, () => readStream(target, `${self}/events`)))
        mustBe('different logs', new Set(streams.map(({ ids }) => ids.join())).size, 1)
      },
    }),
    contractCase({
      name: 'unbuffered',
      proves: 'a stream has bytes at once, forbids proxies to keep them back, and has each event when it happens',
      source: `${source}; nginx X-Accel-Buffering`,
      needs: ['stream'],
      timed: true,
      async check(target) {
        const { self, taskId } = await start(target, newKey('unbuffered'), { long: true })
        const began = performance.now()
        const stream = await openStream(target, `${self}/events`)
        await until(target, () => stream.bytesAt.length > 0)
        must(
          stream.bytesAt[0]! - began < 2 * slackMs,
          `the first byte came after ${Math.round(stream.bytesAt[0]! - began)} ms`,
        )
        mustBe('X-Accel-Buffering', stream.headers['x-accel-buffering'], 'no')
        const caching = String(stream.headers['cache-control'])
        must(/no-store|no-cache/.test(caching) && caching.includes('no-transform'), `Cache-Control: ${caching}`)
        await send(target, `/v1/tasks/${taskId}:cancel`, { method: 'POST' })
        await readEnd(target, taskId)
        const endedAt = performance.now()
        await until(target, () => stream.events.some(isEnd))
        must(performance.now() - endedAt < 2 * slackMs, 'an event was kept back')
        stream.close()
      },
    }),
    contractCase({
      name: 'heartbeat',
      proves: 'silence is filled with payload bytes before a client calls it a dead stream',
      source: 'async-api 1.5: TCP keep-alive does not reset the idle timer of a load balancer',
      needs: ['stream', 'hold'],
      timed: true,
      async check(target, { hold }) {
        const { self, taskId } = await start(target, newKey('heartbeat'), { long: true })
        const held = await hold()
        try {
          const stream = await openStream(target, `${self}/events`)
          await sleep(target.timing.heartbeatMs * 4 + slackMs)
          stream.close()
          const gaps = stream.bytesAt.slice(1).map((at, i) => at - stream.bytesAt[i]!)
          const [events, beats] = [stream.events.length, stream.comments.length]
          undecidedUnless(beats > 0 || gaps.length > 0 || events < 4, `there was no silence: ${events} events`)
          must(beats >= 3, `${beats} comments in four heartbeats of silence`)
          const longest = Math.max(...gaps)
          must(longest < target.timing.watchdogMs, `${Math.round(longest)} ms without a byte`)
        } finally {
          await held.heal()
        }
        await send(target, `/v1/tasks/${taskId}:cancel`, { method: 'POST' })
      },
    }),
    contractCase({
      name: 'half-open',
      proves: 'a stream that goes silent without FIN is resumed over another connection without a gap',
      source: 'async-api 5.9',
      needs: ['stream', 'silentLink'],
      timed: true,
      async check(target, { silentLink }) {
        const { self, taskId } = await start(target, newKey('half-open'), { long: true })
        const stream = await openStream(target, `${silentLink.url}${self}/events`)
        await until(target, () => stream.events.length >= 2)
        const harm = await silentLink.harm()
        const seen = await silence(target, stream)
        try {
          const rest = await readStream(target, `${self}/events?after=${seen}`)
          mustBe('ids', [...stream.ids, ...rest.ids], idsFrom(1, (await readEnd(target, taskId)).version))
        } finally {
          await harm.heal()
        }
        const again = await readStream(target, `${silentLink.url}${self}/events`, { 'last-event-id': '1' })
        must(isEnd(again.events.at(-1)!), 'the link carries again, but no stream')
      },
    }),
  ],
} satisfies CaseGroup

/** What a client's watchdog would see, and the last event before it. */
async function silence(target: Target, stream: Awaited<ReturnType<typeof openStream>>): Promise<number> {
  await sleep(target.timing.watchdogMs)
  const last = stream.bytesAt.at(-1)!
  undecidedUnless(performance.now() - last > target.timing.watchdogMs * 0.8, 'the link was not silent')
  const { seq } = stream.events.at(-1)!
  stream.close()
  return seq
}

function idsFrom(first: number, last: number): readonly string[] {
  return Array.from({ length: last - first + 1 }, (_, i) => String(first + i))
}
