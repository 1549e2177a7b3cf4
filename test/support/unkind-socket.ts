import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'
import type { TaskEvent } from '../../patterns/contract/types/events.ts'
import { rewriteEvent, type Rewriting } from './unkind-words.ts'

interface Upgrade {
  readonly request: IncomingMessage
  readonly socket: Socket
  readonly head: Buffer
}

interface Upstream {
  readonly url: string
  readonly authorization: string | undefined
}

/** Accepts a socket. With a close code that was all; else its messages come from the server's, each event rewritten. */
export function relaySocket(
  upgrade: Upgrade,
  upstream: Upstream,
  how: Rewriting & { readonly closeCode?: number },
): void {
  const door = new WebSocketServer({ noServer: true })
  door.handleUpgrade(upgrade.request, upgrade.socket, upgrade.head, (client) => {
    client.on('error', () => {})
    if (how.closeCode === undefined) relay(client, upstream, how)
    else client.close(how.closeCode, 'made up')
  })
}

function relay(client: WebSocket, { url, authorization }: Upstream, how: Rewriting): void {
  const server = new WebSocket(url, { headers: { ...(authorization !== undefined && { authorization }) } })
  const early: string[] = []
  client.on('message', (data) => {
    const text = (data as Buffer).toString()
    if (server.readyState === WebSocket.OPEN) server.send(text)
    else early.push(text)
  })
  client.on('close', () => server.terminate())
  server
    .on('error', () => client.terminate())
    .on('open', () => early.forEach((text) => server.send(text)))
    .on('ping', () => client.ping())
    .on('message', (data) => {
      const event = JSON.parse((data as Buffer).toString()) as TaskEvent
      client.send(JSON.stringify(rewriteEvent(event, how)))
    })
    .on('close', (code) => (code === 1006 ? client.terminate() : client.close(code)))
}
