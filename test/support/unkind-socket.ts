import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'
import type { TaskEvent } from '../../patterns/contract/types/events.ts'
import type { CommandMessage } from '../../patterns/deliveries/websocket/messages.ts'
import { keepingFrom, rewriteEvent, type Rewriting } from './unkind-words.ts'

interface Upgrade {
  readonly request: IncomingMessage
  readonly socket: Socket
  readonly head: Buffer
}

interface Upstream {
  readonly url: string
  readonly authorization: string | undefined
}

/**
 * With a close code: accepts a socket and closes it. Else what the server answers to the handshake is the answer. Where it
 * accepts, its messages are passed on, each event rewritten.
 */
export function relaySocket(
  upgrade: Upgrade,
  upstream: Upstream,
  how: Rewriting & { readonly closeCode?: number },
): void {
  if (how.closeCode === undefined) return dial(upgrade, upstream, how)
  return accept(upgrade, (client) => client.close(how.closeCode, 'made up'))
}

function accept({ request, socket, head }: Upgrade, act: (client: WebSocket) => void): void {
  const door = new WebSocketServer({ noServer: true })
  door.handleUpgrade(request, socket, head, (client) => act(client.on('error', () => {})))
}

function dial(upgrade: Upgrade, { url, authorization }: Upstream, how: Rewriting): void {
  const server = new WebSocket(url, { headers: { ...(authorization !== undefined && { authorization }) } })
  server
    .on('error', () => upgrade.socket.destroy())
    .on('unexpected-response', (_, answer: IncomingMessage) => refuse(upgrade.socket, answer))
    .on('open', () => accept(upgrade, (client) => relay(client, server, how)))
}

function refuse(socket: Socket, answer: IncomingMessage): void {
  const lines: string[] = []
  for (let i = 0; i < answer.rawHeaders.length; i += 2)
    lines.push(`${answer.rawHeaders[i]}: ${answer.rawHeaders[i + 1]}`)
  socket.write(`HTTP/1.1 ${answer.statusCode} Refused\r\n${lines.join('\r\n')}\r\n\r\n`)
  answer.pipe(socket)
}

function relay(client: WebSocket, server: WebSocket, how: Rewriting): void {
  const keep = keepingFrom<object>(how.keptFrom ?? 0, { type: 'stream.reset' })
  client.on('message', (data, isBinary) => server.send(data as Buffer, { binary: isBinary }))
  client.on('close', () => server.terminate())
  server
    .on('error', () => client.terminate())
    .on('ping', () => client.ping())
    .on('message', (data) => {
      const message = JSON.parse((data as Buffer).toString()) as TaskEvent | CommandMessage
      if (!('seq' in message)) return client.send(JSON.stringify(message))
      for (const word of how.chatter ?? []) client.send(word)
      for (const one of keep(message.seq, rewriteEvent(message, how))) client.send(JSON.stringify(one))
    })
    .on('close', (code) => (code === 1006 ? client.terminate() : client.close(code)))
}
