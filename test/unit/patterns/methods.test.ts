import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { request } from 'undici'
import { afterEach, expect, test } from 'vitest'
import { answerHealth } from '../../../patterns/contract/engine/health.ts'
import { receiverOf } from '../../../patterns/deliveries/webhook-retry/receiver.ts'

let server: Server
afterEach(() => server.close().closeAllConnections())

async function ask(method: 'GET' | 'HEAD' | 'PUT' | 'DELETE' | 'POST' | 'OPTIONS', path: string) {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`
  const { statusCode, headers, body } = await request(url, {
    method,
    reset: true,
    ...(method === 'PUT' && { body: 'x' }),
  })
  return { status: statusCode, allow: headers['allow'], text: await body.text() }
}

test('a port that says how a node is takes GET and HEAD, and says so', async () => {
  server = await answerHealth({ node: 'worker-0', listen: { host: '127.0.0.1', port: 0 } })
  const allow = 'GET, HEAD, OPTIONS'
  expect(await ask('GET', '/healthz')).toMatchObject({
    status: 200,
    text: expect.stringContaining('worker-0') as string,
  })
  expect(await ask('HEAD', '/healthz')).toMatchObject({ status: 200, text: '' })
  expect(await ask('OPTIONS', '/healthz')).toMatchObject({ status: 204, allow })
  for (const method of ['POST', 'PUT', 'DELETE'] as const)
    expect(await ask(method, '/healthz')).toMatchObject({ status: 405, allow })
  expect(await ask('POST', '/other')).toMatchObject({ status: 404 })
})

test('a receiver takes POST, and says so', async () => {
  const ports = { keys: [], insert: () => Promise.reject(new Error('nothing may come')), work: () => {} }
  server = createServer(receiverOf(ports)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const allow = 'OPTIONS, POST'
  expect(await ask('OPTIONS', '/hook')).toMatchObject({ status: 204, allow })
  for (const method of ['GET', 'HEAD', 'PUT', 'DELETE'] as const)
    expect(await ask(method, '/hook')).toMatchObject({ status: 405, allow })
  expect(await ask('POST', '/hook')).toMatchObject({ status: 400 })
})
