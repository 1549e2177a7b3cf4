import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Api } from '../../../patterns/contract/server/api.ts'
import { commandsOver } from '../../../patterns/deliveries/websocket/commands.ts'
import { openGate } from '../../../patterns/deliveries/websocket/gate.ts'

type Sent = (error?: Error) => void

/** A socket of which one decides when what it was given has left, and what is sent over it. */
function slowSocket() {
  const leaving: Sent[] = []
  const sent: unknown[] = []
  const gate = { holders: 0, hold: () => void gate.holders++, release: () => void gate.holders-- }
  const socket = {
    send: (text: string, left: Sent) => {
      sent.push(JSON.parse(text))
      leaving.push(left)
    },
  } as unknown as WebSocket
  return { socket, gate, sent, leaving }
}

const api = { backend: { command: () => ({}) }, caller: {} } as unknown as Pick<Api, 'backend' | 'caller'>
const fail = (error: unknown): void => {
  throw error
}

test('whose answers do not leave is heard no further: nothing but one answer is held for who does not read', async () => {
  const { sent, leaving, ...slow } = slowSocket()
  const commands = commandsOver(slow, 'task_1', api, fail)
  for (const id of ['a', 'b', 'c']) commands.take({ id })
  await turn()
  expect(sent).toMatchObject([{ type: 'command.refused', id: 'a' }])
  leaving.shift()!()
  await turn()
  expect(sent).toMatchObject([{ id: 'a' }, { id: 'b' }])
  expect(slow.gate.holders).toBe(2)
})

test('a connection that breaks while an answer waits keeps nobody', async () => {
  const { sent, leaving, ...slow } = slowSocket()
  const commands = commandsOver(slow, 'task_1', api, fail)
  for (const id of ['a', 'b']) commands.take({ id })
  for (let i = 0; i < 2; i++) {
    await turn()
    leaving.shift()!(new Error('the socket is closed'))
  }
  await commands.settled()
  expect([sent.length, slow.gate.holders]).toEqual([2, 0])
})

const head = [
  'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
].join('\r\n')
const flood = 100_000
const smallest = { message: Buffer.from([0x81, 0x80, 0, 0, 0, 0]), pong: Buffer.from([0x8a, 0x80, 0, 0, 0, 0]) }

/** How many came in the fullest turn of the event loop, of a flood that is all there when the server begins to read. */
async function fullestTurn(kind: 'message' | 'pong'): Promise<number> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').resume()
  client.write(head)
  const [socket] = (await once(server, 'connection')) as [WebSocket]
  socket.pause()
  client.write(Buffer.concat(Array<Buffer>(flood).fill(smallest[kind])))
  for (let i = 0; i < 50; i++) await turn()
  let [came, inTurn, fullest] = [0, 0, 0]
  openGate(socket)
  socket.on(kind, () => {
    came++
    fullest = Math.max(fullest, ++inTurn)
  })
  socket.resume()
  while (came < flood) {
    await turn()
    inTurn = 0
  }
  socket.terminate()
  server.close()
  return fullest
}

test.each(['message', 'pong'] as const)(
  'who floods us with the smallest %s lets others have their turn',
  async (kind) => {
    // One read is 64 KiB, and what was read begins in the middle of a frame.
    expect(await fullestTurn(kind)).toBeLessThanOrEqual(65_536 / 6 + 1)
  },
)
