import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { EventSocket } from '../../../patterns/deliveries/websocket/socket.ts'

const none = (): void => {}
const watchdogMs = 5_000

/** How a socket ends whose server says this close code, and leaves the connection as it is (RFC 6455, 7.1.1: it may). */
async function closedWith(code: number) {
  const server = createServer().on('upgrade', ({ headers }, socket) => {
    const key = `${headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`
    const accept = createHash('sha1').update(key).digest('base64')
    const head = ['Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${accept}`].join('\r\n')
    socket.on('error', none).write(`HTTP/1.1 101 Switching Protocols\r\n${head}\r\n\r\n`)
    socket.write(Buffer.from([0x88, 2, code >> 8, code & 0xff]))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/ws`
  const hooks = { onOpen: none, onSilence: none, onEvent: () => false }
  const limits = { connectTimeoutMs: 1_000, watchdogMs, laterMs: 700 }
  const { signal } = new AbortController()
  const end = await new EventSocket({ url, headers: {} }, { lastSeq: 0, ...limits, signal, ...hooks }).ended
  server.closeAllConnections()
  server.close()
  return end
}

test('a close is heard though the server leaves the connection open', async () => {
  const began = performance.now()
  expect(await closedWith(1008)).toMatchObject({ reason: 'closed: 1008', answer: { status: 403 } })
  expect(await closedWith(1013)).toMatchObject({ reason: 'closed: 1013', adviceMs: 700 })
  expect(performance.now() - began).toBeLessThan(watchdogMs)
})
