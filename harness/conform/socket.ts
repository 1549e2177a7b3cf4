import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { WebSocket, type ClientOptions } from 'ws'
import type { TaskEvent } from '../../patterns/contract/types/events.ts'
import { sleep } from '../../patterns/contract/types/timer.ts'
import type { Target } from './case.ts'
import type { Asked } from './conversation.ts'
import { Breach, must, show } from './expect.ts'
import {
  askedFor,
  authorization,
  headersWithoutToken,
  lost,
  mostBytes,
  problemIn,
  until,
  withoutToken,
} from './http.ts'
import { patiently, type Headers } from './patience.ts'
import { messageIn } from './socket-message.ts'

/** What came over one task's socket so far. */
export interface OpenSocket {
  readonly socket: WebSocket
  readonly events: TaskEvent[]
  /** What became of the commands that were said on it. */
  readonly answers: Readonly<Record<string, unknown>>[]
  /** When pings came, on the clock of `performance.now`. */
  readonly pings: number[]
  /** The close code; rejects when it carried what is no event. */
  readonly closed: Promise<number>
}

/** How a handshake ended: 101 and an open socket, or the answer that refuses it. */
interface Handshake {
  readonly status: number
  readonly headers: Headers
  /** Of a refusal, where it is a problem. */
  readonly json?: Readonly<Record<string, unknown>> | undefined
  readonly open?: OpenSocket
}

/** Open a task’s socket and say where we are in its log, unless `lastSeq` is negative. */
export async function openSocket(
  target: Target,
  self: string,
  lastSeq = 0,
  options: ClientOptions = {},
): Promise<OpenSocket> {
  const { open, status } = await shakeHands(target, self, authorization(target.token), options)
  if (!open) throw new Breach(`the handshake of a socket got ${status}, must be 101`)
  if (lastSeq >= 0) open.socket.send(JSON.stringify({ type: 'hello', last_seq: lastSeq }))
  return open
}

/** The answer to a handshake that is refused; undefined where it is not. */
export async function refusedHandshake(
  target: Target,
  self: string,
  headers: Readonly<Record<string, string>> = authorization(target.token),
): Promise<Omit<Handshake, 'open'> | undefined> {
  const { open, ...refusal } = await shakeHands(target, self, headers, {})
  open?.socket.terminate()
  return open ? undefined : refusal
}

async function shakeHands(
  target: Target,
  self: string,
  headers: Readonly<Record<string, string>>,
  options: ClientOptions,
): Promise<Handshake> {
  const upgrade = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' }
  const key = { 'sec-websocket-key': 'b3V0bGFzdCBjb25mb3JtIQ==' }
  const asked = askedFor(target, `${self}/ws`, { token: null, headers: { ...headers, ...upgrade, ...key } })
  const what = `the socket ${asked.url.pathname}`
  const ask = () => dial(target, asked, headers, options)
  return patiently(target, { what, url: asked.url, isSubmission: false, ask })
}

/** A server may leave the connection open after its close (RFC 6455 7.1.1). The types do not know it yet. */
const closing = { closeTimeout: 1_000 } as ClientOptions

async function dial(
  target: Target,
  asked: Asked,
  headers: Readonly<Record<string, string>>,
  options: ClientOptions,
): Promise<Handshake> {
  const noted = target.conversation.begin(asked)
  const url = new URL(asked.url)
  url.protocol = url.protocol.replace('http', 'ws')
  const { host } = asked.headers
  const own = { headers: { ...headers, ...(host !== undefined && { host }) }, maxPayload: mostBytes, ...closing }
  const socket = new WebSocket(url, { ...own, ...options })
  // The waiter for the socket gets its errors; later ones show by its end.
  socket.on('error', () => {})
  target.signal.addEventListener('abort', () => socket.terminate(), { once: true })
  const read = listen(target, socket)
  const refused = once(socket, 'unexpected-response').then(([, response]) => response as IncomingMessage)
  const opened = once(socket, 'open', { signal: target.signal }).then(() => undefined)
  for (const one of [refused, opened]) one.catch(() => {})
  try {
    const answer = await Promise.race([refused, opened])
    target.conversation.end(noted, answer ? `${answer.statusCode} to the handshake` : '101 and a socket')
    if (!answer) return { status: 101, headers: {}, open: read }
    const headers = headersWithoutToken(target, answer.headers)
    const json = await problemIn(headers, answer)
    socket.terminate()
    return { status: answer.statusCode!, headers, json }
  } catch (error) {
    target.signal.throwIfAborted()
    // The library's own words for what a server must not do carry no code.
    throw lost(target, noted, Object.assign(error as Error, { code: (error as { code?: string }).code ?? 'WebSocket' }))
  }
}

/** Codes of a connection that was cut, not of a log that ended (RFC 6455 7.4.1; 1012 and 1013 by the IANA registry). */
const cuts: ReadonlySet<unknown> = new Set([1001, 1006, 1012, 1013])

/** The close code of a socket that was cut: its client comes back. */
export function isCut(code: unknown): boolean {
  return cuts.has(code)
}

/** A socket may be cut at any time, as behind a limit of a balancer; so often in a row without news it carries none. */
const mostInVain = 5

/** The events after `lastSeq`, and the close code. It is opened again at its place where it was cut. */
export async function readSocket(
  target: Target,
  self: string,
  lastSeq = 0,
): Promise<{ readonly events: readonly TaskEvent[]; readonly code: number }> {
  const events: TaskEvent[] = []
  for (let inVain = 0; ;) {
    const socket = await openSocket(target, self, events.at(-1)?.seq ?? lastSeq)
    const code = await within(target, socket.closed)
    events.push(...socket.events)
    inVain = socket.events.length > 0 ? 0 : inVain + 1
    // One that was cut after the terminal event is closed when it comes back for what follows.
    if (!isCut(code)) return { events, code }
    if (inVain === mostInVain)
      throw new Breach(`the socket was closed with ${code} ${inVain} times in a row without an event`)
    await sleep(200, target.signal)
  }
}

/** Whatever the time scale: it must be on disk by then, on a machine that has other work. */
const answerWithinMs = 15_000

/**
 * What a socket says to a command, and how often it was cut before that: the client comes back then, and says it again.
 */
export async function commandOver(
  target: Target,
  self: string,
  command: object,
): Promise<{ readonly said: Readonly<Record<string, unknown>>; readonly cuts: number }> {
  for (let cuts = 0; ; cuts++) {
    const { socket, answers, closed } = await openSocket(target, self)
    socket.send(JSON.stringify({ type: 'command', command }))
    let isOver = false
    const over = closed.finally(() => (isOver = true))
    over.catch(() => {})
    const began = performance.now()
    await until(target, 'the answer to a command', () => {
      return isOver || answers.length > 0 || performance.now() - began > answerWithinMs
    })
    const isCutOff = isOver && isCut(await over)
    socket.terminate()
    if (answers[0]) return { said: answers[0], cuts }
    if (!isCutOff || cuts === mostInVain) throw new Breach(`a socket does not answer the command ${show(command)}`)
  }
}

/** What comes before the case is over. */
async function within<T>({ signal }: Target, awaited: Promise<T>): Promise<T> {
  const value = await awaited
  signal.throwIfAborted()
  return value
}

function listen(target: Target, socket: WebSocket): OpenSocket {
  const read = { socket, events: [] as TaskEvent[], answers: [] as OpenSocket['answers'], pings: [] as number[] }
  let bytes = 0
  const closed = new Promise<number>((resolve, reject) => {
    socket.on('message', (data) => {
      try {
        bytes += (data as Buffer).length
        must(bytes <= mostBytes, `a socket has said more than ${mostBytes} bytes`)
        const { event, answer } = messageIn(withoutToken(target, String(data as Buffer)))
        if (answer) read.answers.push(answer)
        if (event) read.events.push(event)
      } catch (error) {
        // Thrown from here it would be ours: it is the service's.
        reject(error as Error)
        socket.terminate()
      }
    })
    socket.on('close', (code) => resolve(code))
  })
  closed.catch(() => {})
  socket.on('ping', () => void read.pings.push(performance.now()))
  return { ...read, closed }
}
