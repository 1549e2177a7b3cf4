import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import { Hono } from 'hono'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createFrontDoor } from '../../../patterns/contract/server/front-door.ts'
import type { NodeSettings } from '../../../patterns/contract/types/settings.ts'

const settings: NodeSettings = {
  node: 'api-0',
  listen: { host: '127.0.0.1', port: 0 },
  delivery: 'polling',
  engine: 'memory',
  timeScale: 1,
  tuning: 'default',
  token: 'a-token-for-tests-only',
}

let asked = 0
const app = new Hono().get('/page', (c) => {
  asked++
  return c.text('a page')
})
let server: ReturnType<typeof createFrontDoor>
beforeEach(async () => {
  asked = 0
  server = createFrontDoor(app, settings)
  await once(server.listen(0, '127.0.0.1'), 'listening')
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

/** How many answers come back for `rounds` times so many requests in one write, until all are there or the server closes. */
async function answersTo(requests: number, rounds = 1): Promise<number> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => {})
  const ask = (): void => void socket.write('GET /page HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(requests))
  let text = ''
  let round = 1
  const count = (): number => text.split('a page').length - 1
  ask()
  await new Promise<void>((resolve) => {
    socket.on('close', resolve).on('data', (part: Buffer) => {
      text += part.toString()
      if (count() < requests * round) return
      if (round === rounds) return resolve()
      round++
      ask()
    })
  })
  socket.destroy()
  return count()
}

test('a client may send some requests before the first is answered, again and again', async () => {
  expect(await answersTo(16, 5)).toBe(80)
})

test('who sends a thousand at once costs no thousand answers, and is cut', async () => {
  expect(await answersTo(1_000)).toBeLessThan(1_000)
  expect(asked).toBeLessThan(100)
})
