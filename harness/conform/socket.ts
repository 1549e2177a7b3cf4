import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { WebSocket, type ClientOptions } from 'ws'
import type { TaskEvent } from '../../patterns/contract/types/events.ts'
import type { Target } from './case.ts'
import { authorization, eventOf } from './http.ts'

/** What came over one task's socket so far. */
export interface OpenSocket {
  readonly socket: WebSocket
  readonly events: TaskEvent[]
  /** When pings came, on the clock of `performance.now`. */
  readonly pings: number[]
  /** The close code; rejects when it carried what is no event. */
  readonly closed: Promise<number>
}

/** Open a task’s socket and say where we are in its log, unless `lastSeq` is negative. */
export async function openSocket(
  target: Target,
  self: string,
  lastSeq = 0,
  options: ClientOptions = {},
): Promise<OpenSocket> {
  const socket = connect(target, self, authorization(target.token), options)
  const read = { socket, events: [] as TaskEvent[], pings: [] as number[] }
  const closed = new Promise<number>((resolve, reject) => {
    socket.on('message', (data) => {
      try {
        read.events.push(eventOf(JSON.parse((data as Buffer).toString())))
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
  await once(socket, 'open', { signal: target.signal })
  if (lastSeq >= 0) socket.send(JSON.stringify({ type: 'hello', last_seq: lastSeq }))
  return { ...read, closed }
}

/** The answer to a handshake that is refused; undefined where it is not. */
export async function refusedHandshake(
  target: Target,
  self: string,
  headers: Readonly<Record<string, string>> = authorization(target.token),
): Promise<IncomingMessage | undefined> {
  const socket = connect(target, self, headers, {})
  const refused = once(socket, 'unexpected-response').then(([, response]) => response as IncomingMessage)
  const opened = once(socket, 'open').then(() => undefined)
  for (const one of [refused, opened]) one.catch(() => {})
  const answer = await Promise.race([refused, opened])
  answer?.resume()
  socket.terminate()
  return answer
}

function connect(target: Target, self: string, headers: Readonly<Record<string, string>>, options: ClientOptions) {
  const url = new URL(`${self}/ws`, target.url)
  url.protocol = url.protocol.replace('http', 'ws')
  const socket = new WebSocket(url, { headers, ...options })
  // The waiter for the socket gets its errors; later ones show by its end.
  socket.on('error', () => {})
  target.signal.addEventListener('abort', () => socket.terminate(), { once: true })
  return socket
}
