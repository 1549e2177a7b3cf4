import { isTerminal } from '../../../patterns/contract/types/task.ts'
import { sleep } from '../../../patterns/contract/types/timer.ts'
import { contractCase, type CaseGroup, type Target } from '../case.ts'
import { cancel } from '../control.ts'
import { must, mustBe, NotApplicable, undecidedUnless } from '../expect.ts'
import { cacheDirectives, mustBeFresh } from '../headers.ts'
import { compareWithTask, isSoon, lateMs, openAtOnce } from '../promptness.ts'
import { isEnd, newKey, pathOf, placesTo, readEnd, readEvents, spread, start } from '../tasks.ts'
import { mustHaveStatus, send, slackMs } from '../http.ts'
import { isStream, openStream, passOverCutLog, readStream, untilRead, type OpenStream } from '../stream.ts'

const source = 'docs/contract.md#streams; WHATWG HTML 9.2'

export default {
  name: 'streaming',
  summary: 'event streams that begin at once, resume without a gap, stay alive and end',
  cases: [
    contractCase({
      name: 'offered',
      proves: 'whoever promises that a resumed stream has no gap has a stream to resume',
      source: 'docs/contract.md#streams',
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
        mustBe('events', stream.events, await readEvents(target, taskId))
        mustBe(
          'ids',
          stream.ids,
          stream.events.map(({ seq }) => String(seq)),
        )
        must(stream.retryMs.length > 0, 'the stream says how long to wait before the next one: retry')
      },
    }),
    contractCase({
      name: 'resumes',
      proves:
        'at every place of the log a stream resumes after Last-Event-ID, or after the query where that is further',
      source,
      needs: ['stream'],
      quick: true,
      async check(target) {
        const { self, taskId } = await start(target, newKey('resumes'))
        const { version } = await readEnd(target, taskId)
        for (const place of spread(placesTo(version - 1))) {
          const after = place - 1
          const stream = await readStream(target, `${self}/events`, { 'last-event-id': String(after) })
          passOverCutLog(stream, after)
          mustBe(`ids after ${after}`, stream.ids, idsFrom(after + 1, version))
        }
        if (version < 3) return
        const both = await readStream(target, `${self}/events?after=${version - 2}`, { 'last-event-id': '1' })
        mustBe('ids after the query', both.ids, idsFrom(version - 1, version))
        // An EventSource repeats the address that it was opened with: its header is newer.
        const newer = await readStream(target, `${self}/events?after=0`, { 'last-event-id': String(version - 2) })
        mustBe('ids after a newer Last-Event-ID', newer.ids, idsFrom(version - 1, version))
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
        const byHeader = { 'last-event-id': String(version) }
        mustHaveStatus('by query', await statusOf(target, `${self}/events?after=${version}`, {}), 204)
        mustHaveStatus('by Last-Event-ID', await statusOf(target, `${self}/events`, byHeader), 204)
      },
    }),
    contractCase({
      name: 'cut-log',
      proves:
        'a stream over a log that is kept only in part begins with stream.reset in a 200, never with a silent gap',
      source,
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
      name: 'impossible-cursor',
      proves:
        'a stream after what is no place of the log begins at once with stream.reset, and then with the whole log',
      source: 'docs/contract.md#cursors; WHATWG HTML 9.2.3',
      needs: ['stream'],
      quick: true,
      timed: true,
      async check(target) {
        const { self, taskId } = await start(target, newKey('stream-cursor'), { long: true })
        const streams: (readonly [string, OpenStream])[] = []
        for (const [place, headers] of [
          ['', { 'last-event-id': '999999' }],
          ['', { 'last-event-id': 'abc' }],
          ['?after=999999', {}],
        ] as const) {
          const what = `a stream after ${headers['last-event-id'] ?? place}`
          const stream = await openStream(target, `${self}/events${place}`, headers)
          must(isStream(stream), `${what} got ${stream.status}, must be 200 with stream.reset`)
          const isTold = () => stream.others.includes('stream.reset')
          must(
            await isSoon(target, taskId, { stream, has: isTold, leastMs: atOnceMs }),
            `${what} does not begin with stream.reset`,
          )
          streams.push([what, stream])
        }
        await send(target, `${pathOf(taskId)}:cancel`, { method: 'POST' })
        await readEnd(target, taskId)
        // A service that keeps events back until the end fails another case.
        for (const [what, stream] of streams) {
          await isSoon(target, taskId, { stream, has: () => stream.events.length > 0 })
          const first = stream.events[0]?.seq
          if (first !== undefined && first > 1) await readEvents(target, taskId)
          mustBe(`the first event of ${what}, when it was reset`, first, 1)
          stream.close()
        }
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
      proves: 'a stream has bytes at once, and each event when a read of the task shows it, not in a burst at the end',
      source: `${source}; RFC 9111 5.2.2.6`,
      needs: ['stream'],
      timed: true,
      async check(target) {
        const { self, taskId } = await start(target, newKey('unbuffered'), { long: true })
        const stream = await openAtOnce(target, self)
        const { first } = stream
        mustBeFresh('a stream', first.headers)
        must(cacheDirectives(first.headers).has('no-transform'), 'Cache-Control of a stream: no-transform is missing')
        // A proxy may take it as its own and pass it on to nobody.
        if (target.system) mustBe('X-Accel-Buffering', first.headers['x-accel-buffering'], 'no')
        const shown = await compareWithTask(target, taskId, stream)
        if (shown.some(isTerminal)) throw new NotApplicable('its tasks end before anything else of them can be seen')
        await send(target, `${self}:cancel`, { method: 'POST' })
        await readEnd(target, taskId)
        must(
          await isSoon(target, taskId, { stream, has: () => stream.events().some(isEnd) }),
          'the terminal event was kept back',
        )
        stream.close()
      },
    }),
    contractCase({
      name: 'heartbeat',
      proves: 'silence is filled with payload bytes before a client calls it a dead stream',
      source: 'docs/contract.md#streams',
      needs: ['stream', 'hold'],
      timed: true,
      async check(target, { hold }) {
        const { self, taskId } = await start(target, newKey('heartbeat'), { long: true })
        const held = await hold()
        try {
          const stream = await openStream(target, `${self}/events`)
          await sleep(target.timing.heartbeatMs * 4 + slackMs, target.signal)
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
        await send(target, `${pathOf(taskId)}:cancel`, { method: 'POST' })
      },
    }),
    contractCase({
      name: 'half-open',
      proves: 'a stream that goes silent without FIN is resumed over another connection without a gap',
      source,
      needs: ['stream', 'silentLink'],
      timed: true,
      async check(target, { silentLink }) {
        const { self, taskId } = await start(target, newKey('half-open'), { long: true })
        const stream = await openStream(target, `${silentLink.url}${self}/events`)
        await untilRead(target, stream, () => stream.events.length >= 2)
        if (stream.events.some(isEnd)) throw new NotApplicable('its tasks end before the link can go silent')
        const harm = await silentLink.harm()
        try {
          const seen = await silence(target, stream)
          passOverCutLog(stream, 0)
          // What came meanwhile is enough: its end need not be waited for.
          await cancel(target, taskId)
          const rest = await readStream(target, `${self}/events?after=${seen}`)
          mustBe('ids', [...stream.ids, ...rest.ids], idsFrom(1, (await readEnd(target, taskId)).version))
        } finally {
          await harm.heal()
        }
        await readStream(target, `${silentLink.url}${self}/events`, { 'last-event-id': '1' })
      },
    }),
  ],
} satisfies CaseGroup

/** Not only with the next heartbeat, or with the next event. */
const atOnceMs = 3 * lateMs

/** The answer to who asks for a stream and may get none. */
function statusOf(target: Target, place: string, headers: Readonly<Record<string, string>>) {
  return send(target, place, { headers: { accept: 'text/event-stream', ...headers } })
}

/** What a client's watchdog would see, and the last event before it. */
async function silence(target: Target, stream: OpenStream): Promise<number> {
  await sleep(target.timing.watchdogMs, target.signal)
  const last = stream.bytesAt.at(-1) ?? stream.askedAt
  undecidedUnless(performance.now() - last > target.timing.watchdogMs * 0.8, 'the link was not silent')
  stream.close()
  return stream.events.at(-1)?.seq ?? 0
}

function idsFrom(first: number, last: number): readonly string[] {
  return placesTo(last)
    .slice(first - 1)
    .map(String)
}
