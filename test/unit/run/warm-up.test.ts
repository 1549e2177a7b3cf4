import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import type { Node } from '../../../harness/model/runtime.ts'
import { warmUp } from '../../../harness/run/warm-up.ts'

test('API nodes alone refuse requests before the load, and one that is away harms nothing', async () => {
  const asked: string[] = []
  const server = createServer(({ method, url, headers }, response) => {
    asked.push(`${method} ${url} ${headers.authorization}`)
    response.writeHead(400).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const nodes = [
    { role: 'api', url },
    { role: 'worker', url },
    { role: 'api', url: 'http://127.0.0.1:1' },
  ] as unknown as readonly Node[]
  await warmUp(nodes, 'a-token', new AbortController().signal)
  expect(asked).toHaveLength(40)
  expect(new Set(asked)).toEqual(new Set(['POST /v1/tasks Bearer a-token', 'GET /v1/tasks/task_nobody Bearer a-token']))
  server.closeAllConnections()
  server.close()
})
