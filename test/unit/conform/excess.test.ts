import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { WebSocketServer } from 'ws'
import { mustBe } from '../../../harness/conform/expect.ts'
import { send } from '../../../harness/conform/http.ts'
import { openSocket } from '../../../harness/conform/socket.ts'
import { openStream } from '../../../harness/conform/stream.ts'
import { runCase } from '../../../harness/conform/suite.ts'
import { caseOf, targetAt } from '../../support/contract-case.ts'

const servers = new Set<ReturnType<typeof createServer>>()
afterEach(() => {
  for (const server of servers) server.closeAllConnections()
  for (const server of servers) server.close()
  servers.clear()
})

async function serve(listener: RequestListener): Promise<{ url: string; server: ReturnType<typeof createServer> }> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  servers.add(server)
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server }
}

const megabyte = 'x'.repeat(2 ** 20)
/** More than anybody may say; an end there is only so that this test has one. */
const megabytes = 20

test('a stream without an end is wrong, and is not kept', async () => {
  const { url } = await serve((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (let i = 0; i < megabytes; i++) response.write(megabyte)
    response.end('\n\n')
  })
  const follow = caseOf(async (own) => (await openStream(own, '/v1/tasks/a/events')).ended)
  const { outcome, reason } = await runCase(follow, targetAt(url))
  expect([outcome, reason]).toEqual(['fail', 'a stream has more than 16777216 bytes'])
})

test('a socket that says more than anybody must is wrong, and is not kept', async () => {
  const { url, server } = await serve((_, response) => response.end())
  new WebSocketServer({ server }).on('connection', (socket) => {
    const event = { task_id: 'a', seq: 1, type: 'task.progress', attempt: 1, status: 'running', data: { megabyte } }
    const text = JSON.stringify({ ...event, time: new Date().toISOString() })
    for (let i = 0; i < megabytes; i++) socket.send(text)
    socket.close(1000)
  })
  const follow = caseOf(async (own) => void (await (await openSocket(own, '/v1/tasks/a')).closed))
  const { outcome, reason } = await runCase(follow, targetAt(url))
  expect([outcome, reason]).toEqual(['fail', 'a socket has said more than 16777216 bytes'])
})

test('an answer that is nested without end is wrong, and no case is a defect for it', async () => {
  const depth = 200_000
  const { url } = await serve((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(`{"status":${'['.repeat(depth)}${']'.repeat(depth)}}`)
  })
  const read = caseOf(async (own) => mustBe('status', (await send(own, '/v1/tasks/a')).json?.['status'], 'running'))
  expect(await runCase(read, targetAt(url))).toMatchObject({
    outcome: 'fail',
    reason: 'status: nothing, must be "running"',
  })
})
