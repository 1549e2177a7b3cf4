import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocket, WebSocketServer } from 'ws'

/** What is made wrong of the sockets of a server. */
export interface WrongSocket {
  /** Opens it for who has no token. */
  readonly token?: string
  /** In place of what a client says; undefined: nothing. */
  readonly say?: (message: string) => string | undefined
  /** In place of what the server says. */
  readonly hear?: (message: string) => string | undefined
  /** In place of the server's close code; undefined: it stays open. */
  readonly close?: (code: number) => number | undefined
}

interface Upgrade {
  readonly request: IncomingMessage
  readonly socket: Duplex
  readonly head: Buffer
}

/** Passes a handshake on to the server at `target`, and then its messages. */
export function relayWrongly({ request, socket, head }: Upgrade, target: URL, wrong: WrongSocket): void {
  const { authorization = wrong.token === undefined ? undefined : `Bearer ${wrong.token}` } = request.headers
  const headers = authorization === undefined ? {} : { authorization }
  const server = new WebSocket(`ws://${target.host}${request.url}`, { headers })
  server
    .on('error', () => socket.destroy())
    .on('unexpected-response', (_, answer: IncomingMessage) => {
      const lines = Object.entries(answer.headers).map(([name, value]) => `${name}: ${String(value)}`)
      socket.write(`HTTP/1.1 ${answer.statusCode} Refused\r\n${lines.join('\r\n')}\r\n\r\n`)
      answer.pipe(socket)
    })
    .on('open', () => {
      const door = new WebSocketServer({ noServer: true })
      door.handleUpgrade(request, socket, head, (client) => relay(client, server, wrong))
    })
}

function relay(client: WebSocket, server: WebSocket, { say = same, hear = same, close = same }: WrongSocket): void {
  const pass =
    (to: WebSocket, change: (message: string) => string | undefined) => (data: Buffer, isBinary: boolean) => {
      const message = isBinary ? undefined : change(data.toString())
      if (isBinary) to.send(data)
      else if (message !== undefined) to.send(message)
    }
  client
    .on('error', () => {})
    .on('message', pass(server, say))
    .on('close', () => server.terminate())
  server
    .on('error', () => client.terminate())
    .on('ping', () => client.ping())
    .on('message', pass(client, hear))
    .on('close', (code) => {
      const given = code === 1006 ? code : close(code)
      if (given === 1006) client.terminate()
      else if (given !== undefined) client.close(given)
    })
}

function same<T>(it: T): T {
  return it
}
