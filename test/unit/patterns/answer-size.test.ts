import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { openTaskClient } from '../../../patterns/client.ts'

const now = new Date().toISOString()
const task = {
  task_id: 'task_1',
  type: 'agent',
  status: 'cancelled',
  current_action: null,
  progress_pct: null,
  estimated_completion: null,
  version: 2,
  attempt: 1,
  created_at: now,
  updated_at: now,
  finished_at: now,
  credits_used: 0,
  input: { seed: 1, profile: 'smoke', job: 'a' },
  links: { self: '/v1/tasks/task_1', events: '/v1/tasks/task_1/events', cancel: '/v1/tasks/task_1:cancel' },
}

async function cancelWith(megabytes: number): Promise<string> {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    for (let i = 0; i < megabytes; i++) response.write(Buffer.alloc(2 ** 20, ' '))
    response.end(JSON.stringify(task))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  await using client = openTaskClient({
    apis: [`http://127.0.0.1:${(server.address() as AddressInfo).port}`],
    token: 'a-token-for-tests-only',
  })
  try {
    return (await client.cancel('task_1', { deadlineMs: 4_000 })).status
  } catch (error) {
    return (error as Error).message
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

test('an answer is read, and one that goes on and on is not', async () => {
  expect(await cancelWith(1)).toBe('cancelled')
  expect(await cancelWith(70)).toMatch(/the last answer: .*UND_ERR_RES_EXCEEDED_MAX_SIZE/)
})
