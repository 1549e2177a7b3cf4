import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { WebSocketServer } from 'ws'
import type { Handshake } from '../../../patterns/contract/client/client.ts'
import { EventSocket } from '../../../patterns/deliveries/websocket/socket.ts'

/** Opens a socket, closes it once the server has answered, and tells what the client's owner was told. */
async function handshakeWith(takes: boolean): Promise<readonly [number, string | undefined]> {
  const server = createServer()
  const sockets = new WebSocketServer({ noServer: true })
  sockets.on('headers', (headers) => headers.push('Outlast-Node: ours/api-0'))
  server.on('upgrade', (request, socket, head) => {
    if (takes) sockets.handleUpgrade(request, socket, head, () => {})
    else socket.end('HTTP/1.1 401 Unauthorized\r\nOutlast-Node: theirs/api-0\r\nConnection: close\r\n\r\n')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { promise, resolve } = Promise.withResolvers<Handshake>()
  const target = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/ws`, headers: {} }
  const socket = new EventSocket(target, {
    lastSeq: 0,
    connectTimeoutMs: 5_000,
    watchdogMs: 5_000,
    laterMs: 5_000,
    signal: new AbortController().signal,
    onHandshake: resolve,
    onOpen: () => {},
    onSilence: () => {},
    onEvent: () => false,
  })
  const { status, header } = await promise
  socket.close('enough')
  sockets.close()
  server.close().closeAllConnections()
  return [status, header('outlast-node')]
}

test('who runs the client hears how every handshake ended, and who answered it', async () => {
  expect(await handshakeWith(true)).toEqual([101, 'ours/api-0'])
  expect(await handshakeWith(false)).toEqual([401, 'theirs/api-0'])
})
