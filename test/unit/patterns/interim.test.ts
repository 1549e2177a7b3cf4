import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, buildConnector, request } from 'undici'
import { expect, test } from 'vitest'
import { withoutInterim } from '../../../patterns/contract/client/interim.ts'

/** What a client reads twice over one connection, where each answer is written in these pieces. */
async function readTwice(pieces: readonly string[]) {
  const connections = new Set<Socket>()
  const server = createServer((socket) => {
    connections.add(socket.on('error', () => {}))
    socket.on('data', async () => {
      for (const piece of pieces) {
        socket.write(piece)
        await sleep(5)
      }
    })
  })
  const agent = new Agent({ connections: 1, connect: withoutInterim(buildConnector({})) })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const read = async () => (await request(url, { dispatcher: agent, headersTimeout: 2_000 })).body.text()
    return { texts: [await read(), await read()], connections: connections.size }
  } finally {
    await agent.destroy()
    for (const socket of connections) socket.destroy()
    server.close()
  }
}

const goOn = 'HTTP/1.1 100 Continue\r\n\r\n'
const final = (body: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`

test.each([
  ['in one piece', [goOn + final('done')]],
  ['before', [goOn, final('done')]],
  ['in pieces', ['HTT', 'P/1.1 1', '00 Cont', 'inue\r', '\n\r', `\n${final('done')}`]],
  ['twice, of two kinds', [`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${goOn}${final('done')}`]],
  ['without a reason', [`HTTP/1.1 100\r\n\r\n${final('done')}`]],
])('an interim answer %s is passed over, and the connection goes on', async (_, pieces) => {
  expect(await readTwice(pieces)).toEqual({ texts: ['done', 'done'], connections: 1 })
})

test('what only looks like one, in a body, is kept', async () => {
  const head = `HTTP/1.1 200 OK\r\nContent-Length: ${goOn.length}\r\n\r\n`
  expect((await readTwice([head, goOn])).texts).toEqual([goOn, goOn])
})

test.each([
  ['no HTTP', 'hello\r\n\r\n', /parser|Response/],
  ['101 that nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\n\r\n', /./],
  ['a head without an end', `HTTP/1.1 103 Early Hints\r\nLink: ${'x'.repeat(40_000)}`, /Headers Overflow/],
])('%s is an error at once', async (_, piece, said) => {
  const began = performance.now()
  await expect(readTwice([piece])).rejects.toThrow(said)
  expect(performance.now() - began).toBeLessThan(1_500)
})
