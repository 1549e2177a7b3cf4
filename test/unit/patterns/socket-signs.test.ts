import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { WebSocketServer, type WebSocket } from 'ws'
import type { ChannelEnd } from '../../../patterns/contract/client/reader.ts'
import { EventSocket } from '../../../patterns/deliveries/websocket/socket.ts'

const watchdogMs = 1000

/** How a client's socket ended with a server that does this once it is open, and what came meanwhile. */
async function meet(
  serve: (socket: WebSocket) => void | Promise<void>,
): Promise<ChannelEnd & { readonly came: string[] }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  server.on('connection', (socket) => void serve(socket))
  const came: string[] = []
  const socket = open(server, (data) => came.push(data) === 0)
  const end = await socket.ended
  for (const one of server.clients) one.terminate()
  server.close()
  return { ...end, came }
}

function open(server: WebSocketServer, onEvent: (data: string) => boolean): EventSocket {
  const target = { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/ws`, headers: {} }
  return new EventSocket(target, {
    lastSeq: 0,
    connectTimeoutMs: 5_000,
    watchdogMs,
    laterMs: 5_000,
    signal: new AbortController().signal,
    onOpen: () => {},
    onSilence: () => {},
    onEvent,
  })
}

test('a pong that nobody asked for is a sign of life (RFC 6455, 5.5.3)', async () => {
  const { reason } = await meet(async (socket) => {
    for (let i = 0; i < 8; i++) {
      socket.pong()
      await sleep(watchdogMs / 5)
    }
    socket.close(1001)
  })
  expect(reason).toBe('closed: 1001')
})

test('a message is one in however many frames, as text or as bytes', async () => {
  const { came } = await meet((socket) => {
    socket.send('{"a"', { fin: false })
    socket.ping()
    socket.send(':1}', { fin: true })
    socket.send(Buffer.from('{"ü":2}'), { binary: true })
    socket.close(1000)
  })
  expect(came).toEqual(['{"a":1}', '{"ü":2}'])
})

test.each([
  [1008, 403],
  [3000, 401],
  [3003, 403],
  [1001, undefined],
  [1012, undefined],
  [4403, undefined],
])('closed with %d: an answer of %s', async (code, status) => {
  const { answer, reason } = await meet((socket) => socket.close(code, 'why'))
  expect([answer?.status, reason]).toEqual([status, `closed: ${code} why`])
})

test('a socket that stays open after its last event is closed, though it is never silent', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  const closed = Promise.withResolvers<void>()
  server.on('connection', (socket) => {
    socket.send('the end')
    const pinging = setInterval(() => socket.ping(), watchdogMs / 3)
    socket.once('close', () => {
      clearInterval(pinging)
      closed.resolve()
    })
  })
  const socket = open(server, (data) => data === 'the end')
  expect((await socket.ended).reason).toBe('terminal event')
  await closed.promise
  server.close()
})
