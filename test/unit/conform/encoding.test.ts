import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { send } from '../../../harness/conform/http.ts'
import { openStream } from '../../../harness/conform/stream.ts'
import { targetAt } from '../../support/contract-case.ts'

/** Who names no coding takes any (RFC 9110 12.5.3). */
test('a service that compresses for who does not say otherwise is understood', async () => {
  const server = createServer(({ headers }, response) => {
    const isPlain = headers['accept-encoding'] === 'identity'
    const isStream = headers.accept === 'text/event-stream'
    const text = isStream ? ': hello\n\n' : '{"a":1}'
    const coding = isPlain ? {} : { 'content-encoding': 'gzip' }
    response.writeHead(200, { 'content-type': isStream ? 'text/event-stream' : 'application/json', ...coding })
    response.end(isPlain ? text : gzipSync(text))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const target = targetAt(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  expect((await send(target, '/v1/tasks/a')).json).toEqual({ a: 1 })
  const stream = await openStream(target, '/v1/tasks/a/events')
  await stream.ended
  expect(stream.comments).toEqual(['hello'])
  server.close()
})
