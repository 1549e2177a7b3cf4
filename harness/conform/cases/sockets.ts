import { problemMediaType } from '../../../patterns/contract/types/problems.ts'
import { sleep } from '../../../patterns/contract/types/timer.ts'
import { contractCase, type CaseGroup } from '../case.ts'
import { acknowledge, cancel } from '../control.ts'
import { must, mustBe, mustBeOneOf, NotApplicable, show } from '../expect.ts'
import { mediaTypeOf, mustAskForBearer } from '../headers.ts'
import { isEnd, newKey, pathOf, placesTo, raceMs, readEnd, readEvents, start } from '../tasks.ts'
import { authorization, send, slackMs } from '../http.ts'
import { headerOf } from '../patience.ts'
import { kindOf } from '../problem.ts'
import { commandOver, isCut, openSocket, readSocket, refusedHandshake } from '../socket.ts'
import { untilRead } from '../stream.ts'

const source = 'docs/contract.md#sockets; RFC 6455'

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
        const whole = await readSocket(target, self)
        const log = await readEvents(target, taskId)
        mustBe('events', whole.events, log)
        const middle = Math.floor(log.length / 2)
        const rest = await readSocket(target, self, middle)
        mustBe(`events after ${middle}`, rest.events, log.slice(middle))
        mustBe('close codes', [whole.code, rest.code], [1000, 1000])
        const late = await readSocket(target, self, log.length)
        mustBe('a socket at the end of the log', [late.code, late.events], [1000, []])
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
          await sleep(target.timing.watchdogMs, target.signal)
          mustBe('state of the other', answering.socket.readyState, answering.socket.OPEN)
          must(
            answering.pings.length >= 2,
            `${answering.pings.length} pings in ${Math.round(performance.now() - began)} ms`,
          )
          answering.socket.terminate()
        } finally {
          await held.heal()
        }
        await send(target, `${pathOf(taskId)}:cancel`, { method: 'POST' })
      },
    }),
    contractCase({
      name: 'manners',
      proves: 'a client that says nothing, or what it may not say, is closed, with a code that says why',
      source,
      needs: ['socket'],
      async check(target) {
        const { self, taskId } = await start(target, newKey('manners'), { long: true })
        const said: readonly (readonly [string, string | Buffer | undefined, readonly number[]])[] = [
          ['nothing', undefined, [1008]],
          ['no JSON', 'hello', notUnderstood],
          ['a place that is none', '{"type":"hello","last_seq":-1}', notUnderstood],
          ['more than may be said', '{"type":"hello","last_seq":0,"more":1}', notUnderstood],
          ['bytes', Buffer.from('{"type":"hello","last_seq":0}'), notUnderstood],
          ['10 kB', 'x'.repeat(10_000), [1009, ...notUnderstood]],
        ]
        const answers = said.map(async ([what, message, codes]) => {
          const { socket, closed, events } = await openSocket(target, self, -1)
          const began = performance.now()
          if (message !== undefined) socket.send(message)
          const code = await Promise.race([closed, sleep(3 * target.timing.requestTimeoutMs + slackMs, target.signal)])
          const isEarly = performance.now() - began < target.timing.requestTimeoutMs * 0.8
          // What is in front of it may cut who is silent, long before the service has to.
          if (message === undefined && isEarly && isCut(code)) return
          mustBeOneOf(`close code for a client that says ${what}`, code ?? undefined, codes)
          mustBe(`events for a client that says ${what}`, events, [])
        })
        await Promise.all(answers)
        await send(target, `${pathOf(taskId)}:cancel`, { method: 'POST' })
      },
    }),
    contractCase({
      name: 'impossible-cursor',
      proves: 'a socket that is asked for what comes after no place of the log is closed at once with 1008',
      source: 'docs/contract.md#cursors; RFC 6455 7.4.1',
      needs: ['socket'],
      quick: true,
      timed: true,
      async check(target) {
        const { self, taskId } = await start(target, newKey('socket-cursor'), { long: true })
        const { closed, socket } = await openSocket(target, self, 999_999)
        const code = await Promise.race([closed, sleep(2 * slackMs, target.signal)])
        socket.terminate()
        mustBe('close code', code ?? undefined, 1008)
        await send(target, `${pathOf(taskId)}:cancel`, { method: 'POST' })
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
        await untilRead(target, { ended: closed }, () => events.length > 0)
        const askedAt = performance.now()
        socket.send('{"type":"cancel"}')
        const code = await closed
        const rest = isCut(code) ? await readSocket(target, self, events.at(-1)!.seq) : { events: [], code }
        mustBe('close code', rest.code, 1000)
        const tookMs = Math.round(performance.now() - askedAt)
        const { status } = await readEnd(target, taskId)
        // Work may win the race. It is none where the work goes on.
        if (status !== 'cancelled' && tookMs < raceMs(target)) throw new NotApplicable(tooShort)
        mustBe(`the end, ${tookMs} ms after it was cancelled`, status, 'cancelled')
        const types = [...events, ...rest.events].map(({ type }) => type).filter((type) => type !== 'task.progress')
        mustBe('last events', types.slice(-2), ['task.cancel_requested', 'task.cancelled'])
      },
    }),
    contractCase({
      name: 'commands',
      proves: 'a command over the socket is what its REST twin is: acknowledged once, or refused with its problem',
      source: `${source}; docs/contract.md#commands`,
      needs: ['socket', 'commands'],
      quick: true,
      async check(target) {
        const { self, taskId } = await start(target, newKey('socket-command'), { long: true })
        const stop = { id: 'stop', type: 'interrupt' } as const
        const first = await commandOver(target, self, stop)
        // What a cut kept from us may have been the first.
        const isFirst = first.cuts === 0 && first.said['replayed'] === false
        must(isFirst || first.cuts > 0, `the first answer to a command: ${show(first.said)}, must not be replayed`)
        for (const [command, answer] of [
          [stop, { type: 'command.ack', id: 'stop', replayed: true }],
          [
            { ...stop, type: 'resume' },
            { type: 'command.refused', id: 'stop', kind: 'command-id-reused' },
          ],
          [
            { ...stop, id: 'a b' },
            { type: 'command.refused', id: 'a b', kind: 'validation' },
          ],
        ] as const)
          mustBe('the answer to a command', told((await commandOver(target, self, command)).said), answer)
        mustBe('replayed over HTTP', await acknowledge(target, taskId, stop), true)
        await cancel(target, taskId)
      },
    }),
    contractCase({
      name: 'handshake',
      proves: 'a handshake is refused as every request is: 401, 404, and 426 or 400 for a plain GET',
      source,
      needs: ['socket'],
      quick: true,
      async check(target) {
        const { self } = await start(target, newKey('handshake'))
        if (target.token !== undefined) {
          for (const [who, token] of [
            ['another token', 'another-token-0123456789'] as const,
            ['no token', null] as const,
          ]) {
            const unauthorized = await refusedHandshake(target, self, authorization(token))
            mustBe(who, shown(unauthorized), [401, problemMediaType])
            mustAskForBearer(unauthorized!.headers)
          }
        }
        mustBe('an unknown task', shown(await refusedHandshake(target, '/v1/tasks/none')), [404, problemMediaType])
        const plain = await send(target, `${self}/ws`)
        mustBeOneOf('the status of a plain GET', plain.status, [400, 426])
        const wanted = headerOf(plain.headers, 'upgrade') ?? ''
        must(
          plain.status === 400 || /\bwebsocket\b/i.test(wanted),
          `Upgrade of a 426: ${show(wanted)}, must be websocket`,
        )
      },
    }),
    contractCase({
      name: 'half-open',
      proves: 'a socket that goes silent without FIN is resumed over another connection without a gap',
      source,
      needs: ['socket', 'silentLink'],
      timed: true,
      async check(target, { silentLink }) {
        const { self, taskId } = await start(target, newKey('socket-half-open'), { long: true })
        const first = await openSocket(target, `${silentLink.url}${self}`)
        await untilRead(target, { ended: first.closed }, () => first.events.length >= 2)
        if (first.events.some(isEnd)) throw new NotApplicable('its tasks end before the link can go silent')
        const harm = await silentLink.harm()
        try {
          await sleep(target.timing.watchdogMs, target.signal)
          const seen = first.events.at(-1)!.seq
          first.socket.terminate()
          const rest = await readSocket(target, self, seen)
          mustBe('close code', rest.code, 1000)
          const seqs = [...first.events, ...rest.events].map(({ seq }) => seq)
          mustBe('seq', seqs, placesTo((await readEnd(target, taskId)).version))
        } finally {
          await harm.heal()
        }
      },
    }),
  ],
} satisfies CaseGroup

const tooShort = 'its tasks end too soon to be cancelled'

/** For what a server does not understand, or does not take (RFC 6455 7.4.1): 1002, 1003, 1007, 1008. */
const notUnderstood: readonly number[] = [1008, 1007, 1003, 1002]

/** What the contract names of an answer to a command. */
function told({ type, id, replayed, problem }: Readonly<Record<string, unknown>>): object {
  if (type !== 'command.refused') return { type, id, replayed }
  return { type, id, kind: kindOf((problem as { readonly type?: unknown } | undefined)?.type) }
}

function shown(refused: Awaited<ReturnType<typeof refusedHandshake>>): readonly unknown[] {
  return [refused?.status ?? 101, refused && mediaTypeOf(refused.headers)]
}
