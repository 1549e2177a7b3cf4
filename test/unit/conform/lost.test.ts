import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { runCase } from '../../../harness/conform/suite.ts'
import { Breach, show } from '../../../harness/conform/expect.ts'
import { send } from '../../../harness/conform/http.ts'
import { openStream } from '../../../harness/conform/stream.ts'
import { caseOf, targetAt } from '../../support/contract-case.ts'

const chunked =
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n5\r\n: hi\n\r\n'

test.each([
  ['what is no HTTP', 'hello\r\n\r\n'],
  ['a body that breaks off', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nab'],
  ['chunks that break off', chunked],
  ['nothing', ''],
])('a service that answers with %s is wrong, and no case is', async (_, bytes) => {
  const server = createServer((socket) => {
    socket.on('error', () => {}).once('data', () => socket.end(bytes))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const target = targetAt(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const read = caseOf(async (own) => void (await send(own, '/v1/tasks/a', { headers: { accept: 'text/plain' } })))
  const follow = caseOf(async (own) => (await openStream(own, '/v1/tasks/a/events')).ended)
  const outcomes = [await runCase(read, target), await runCase(follow, target)].map(({ outcome }) => outcome)
  expect(outcomes).not.toContain('error')
  expect(outcomes).toContain('fail')
  server.close()
})

test.each([
  ['a line', 'x'],
  ['events of other names', 'event: ping\ndata: 1\n\n'],
])('a stream that is %s without an end is wrong', async (_, piece) => {
  const pieces = piece.repeat(65_536)
  const server = createHttpServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const write = (): void => {
      while (response.write(pieces));
      response.once('drain', write)
    }
    write()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const target = targetAt(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const follow = caseOf(async (own) => (await openStream(own, '/v1/tasks/a/events')).ended)
  const { outcome, reason } = await runCase(follow, target)
  expect([outcome, reason]).toEqual(['fail', expect.stringMatching(/^a stream has more than \d+ bytes$/)])
  server.closeAllConnections()
  server.close()
})

test('a defect of a case is an error, whose place is named, and no verdict', async () => {
  const defect = caseOf(async () => {
    throw new TypeError('cannot read x of undefined')
  })
  const { outcome, reason } = await runCase(defect, targetAt('http://127.0.0.1:9'))
  expect([outcome, reason]).toEqual(['error', expect.stringMatching(/^cannot read x of undefined/)])
})

test('what refuses the connection is named with what was asked', async () => {
  const read = caseOf(async (own) => void (await send(own, '/v1/tasks/a')))
  const { outcome, evidence } = await runCase(read, targetAt('http://127.0.0.1:9'))
  expect([outcome, evidence?.asked]).toEqual(['fail', 'GET http://127.0.0.1:9/v1/tasks/a'])
  expect(evidence?.came).toMatch(/^no answer: .*ECONNREFUSED/)
})

test('the token is in no result, also where the service says it back and what it says is cut', async () => {
  const token = 'a-token-that-nobody-else-may-see'
  const said = [token, `${'x'.repeat(140)} Bearer ${token}`]
  const server = createServer((socket) => {
    socket
      .on('error', () => {})
      .once('data', () => {
        const body = JSON.stringify({ status: said.shift() })
        const head = `HTTP/1.1 200 OK\r\nwww-authenticate: ${token}\r\ncontent-type: application/json\r\n`
        socket.end(`${head}content-length: ${body.length}\r\n\r\n${body}`)
      })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const target = { ...targetAt(`http://127.0.0.1:${(server.address() as AddressInfo).port}`), token }
  const read = caseOf(async (own) => {
    const { json, headers } = await send(own, '/v1/tasks/a', { once: true })
    throw new Breach(`${show(json)} ${show(headers['www-authenticate'])}`)
  })
  const results = [await runCase(read, target), await runCase(read, target)]
  expect(results[0]).toMatchObject({ outcome: 'fail', reason: '{"status":"$OUTLAST_TOKEN"} "$OUTLAST_TOKEN"' })
  expect(JSON.stringify(results)).not.toContain(token.slice(0, 6))
  server.close()
})
