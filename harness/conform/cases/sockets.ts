import { sleep } from '../../../patterns/contract/types/timer.ts'
import { contractCase, type CaseGroup } from '../case.ts'
import { must, mustBe } from '../expect.ts'
import { newKey, readEnd, readEvents, send, start, until } from '../http.ts'
import { openSocket, refusedHandshake } from '../socket.ts'

const source = 'patterns/deliveries/websocket/README.md; RFC 6455'

export default {
  name: 'sockets',
  summary: 'a WebSocket per task: resumes by last_seq, lives by ping and pong, says why it closes',
  cases: [
    contractCase({
      name: 'whole-log',
      proves: 'a socket carries the whole log after last_seq and closes with 1000 after the terminal event',
      source,
      needs: ['socket'],
      quick: true,
      async check(target) {
        const { self, taskId } = await start(target, newKey('socket'))
        const [whole, rest] = await Promise.all([openSocket(target, self), openSocket(target, self, 4)])
        mustBe('close codes', await Promise.all([whole.closed, rest.closed]), [1000, 1000])
        const log = await readEvents(target, taskId)
        mustBe('events', whole.events, log)
        mustBe('events after 4', rest.events, log.slice(4))
        const late = await openSocket(target, self, log.length)
        mustBe('a socket at the end of the log', [await late.closed, late.events], [1000, []])
      },
    }),
    contractCase({
      name: 'heartbeat',
      proves: 'the server pings in silence; a client that answers none is cut, one that does stays',
      source,
      needs: ['socket', 'hold'],
      timed: true,
      async check(target, { hold }) {
        const { self, taskId } = await start(target, newKey('pings'), { long: true })
        const held = await hold()
        try {
          const mute = await openSocket(target, self, 0, { autoPong: false })
          const answering = await openSocket(target, self)
          const began = performance.now()
          mustBe('close code of the mute one', await mute.closed, 1006)
          const livedMs = performance.now() - began
          must(livedMs > target.timing.watchdogMs * 0.8, `the mute one was cut after ${Math.round(livedMs)} ms`)
          await sleep(target.timing.watchdogMs)
          mustBe('state of the other', answering.socket.readyState, answering.socket.OPEN)
          must(
            answering.pings.length >= 2,
            `${answering.pings.length} pings in ${Math.round(performance.now() - began)} ms`,
          )
          answering.socket.terminate()
        } finally {
          await held.heal()
        }
        await send(target, `/v1/tasks/${taskId}:cancel`, { method: 'POST' })
      },
    }),
    contractCase({
      name: 'manners',
      proves: 'a client that says nothing, or what it may not say, is told off with 1008; a long message with 1009',
      source,
      needs: ['socket'],
      async check(target) {
        const { self, taskId } = await start(target, newKey('manners'), { long: true })
        const said: readonly (readonly [string, string | Buffer | undefined, number])[] = [
          ['nothing', undefined, 1008],
          ['no JSON', 'hello', 1008],
          ['a place that is none', '{"type":"hello","last_seq":-1}', 1008],
          ['more than may be said', '{"type":"hello","last_seq":0,"more":1}', 1008],
          ['bytes', Buffer.from('{"type":"hello","last_seq":0}'), 1008],
          ['10 kB', 'x'.repeat(10_000), 1009],
        ]
        const answers = said.map(async ([what, message, code]) => {
          const { socket, closed, events } = await openSocket(target, self, -1)
          if (message !== undefined) socket.send(message)
          mustBe(`who says ${what}`, [await closed, events], [code, []])
        })
        await Promise.all(answers)
        await send(target, `/v1/tasks/${taskId}:cancel`, { method: 'POST' })
      },
    }),
    contractCase({
      name: 'cancels',
      proves: 'cancelling over the socket is what its REST twin is',
      source,
      needs: ['socket'],
      quick: true,
      async check(target) {
        const { self, taskId } = await start(target, newKey('socket-cancel'), { long: true })
        const { socket, closed, events } = await openSocket(target, self)
        await until(target, () => events.length > 0)
        socket.send('{"type":"cancel"}')
        mustBe('close code', await closed, 1000)
        const types = events.map(({ type }) => type).filter((type) => type !== 'task.progress')
        mustBe('last events', types.slice(-2), ['task.cancel_requested', 'task.cancelled'])
        mustBe('the end', (await readEnd(target, taskId)).status, 'cancelled')
      },
    }),
    contractCase({
      name: 'handshake',
      proves: 'a handshake is refused as every request is: 401, 404, and 426 for a plain GET',
      source,
      needs: ['socket'],
      quick: true,
      async check(target) {
        const { self } = await start(target, newKey('handshake'))
        const unauthorized = await refusedHandshake(target, self, { authorization: 'Bearer another-token-0123456789' })
        const problem = 'application/problem+json'
        mustBe('another token', [unauthorized?.statusCode, unauthorized?.headers['content-type']], [401, problem])
        mustBe('WWW-Authenticate', unauthorized!.headers['www-authenticate'], 'Bearer')
        const unknown = await refusedHandshake(target, '/v1/tasks/none')
        mustBe('an unknown task', [unknown?.statusCode, unknown?.headers['content-type']], [404, problem])
        const plain = await send(target, `${self}/ws`)
        mustBe('a plain GET', [plain.status, plain.headers['upgrade']], [426, 'websocket'])
      },
    }),
    contractCase({
      name: 'half-open',
      proves: 'a socket that goes silent without FIN is resumed over another connection without a gap',
      source: 'async-api 5.9',
      needs: ['socket', 'silentLink'],
      timed: true,
      async check(target, { silentLink }) {
        const { self, taskId } = await start(target, newKey('socket-half-open'), { long: true })
        const first = await openSocket(target, `${silentLink.url}${self}`)
        await until(target, () => first.events.length >= 2)
        const harm = await silentLink.harm()
        try {
          await sleep(target.timing.watchdogMs)
          const seen = first.events.at(-1)!.seq
          first.socket.terminate()
          const rest = await openSocket(target, self, seen)
          mustBe('close code', await rest.closed, 1000)
          const seqs = [...first.events, ...rest.events].map(({ seq }) => seq)
          const { version } = await readEnd(target, taskId)
          mustBe(
            'seq',
            seqs,
            Array.from({ length: version }, (_, i) => i + 1),
          )
        } finally {
          await harm.heal()
        }
      },
    }),
  ],
} satisfies CaseGroup
