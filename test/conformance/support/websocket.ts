import { once } from 'node:events'
import { WebSocket } from 'ws'
import type { TaskEvent } from '../../../patterns/contract/types/events.ts'
import { token } from './api-node.ts'

export interface ReadSocket {
  readonly socket: WebSocket
  readonly events: TaskEvent[]
  /** When pings came, on the clock of `performance.now`. */
  readonly pings: number[]
  /** The close code of the server. */
  readonly closed: Promise<number>
}

/** Open a task’s socket and say hello, unless `lastSeq` is negative; keeps what comes until the server closes. */
export async function openSocket(url: string, lastSeq = 0, options = {}): Promise<ReadSocket> {
  const socket = new WebSocket(`${url}/ws`, { headers: { authorization: `Bearer ${token}` }, ...options })
  const read = { socket, events: [] as TaskEvent[], pings: [] as number[] }
  socket.on('message', (data) => void read.events.push(JSON.parse((data as Buffer).toString())))
  socket.on('ping', () => void read.pings.push(performance.now()))
  const closed = once(socket, 'close').then(([code]) => code as number)
  await once(socket, 'open')
  if (lastSeq >= 0) socket.send(JSON.stringify({ type: 'hello', last_seq: lastSeq }))
  return { ...read, closed }
}
