import { expect, test } from 'vitest'
import { outlast, temporaryFolders } from '../support/outlast.ts'
import { serve } from '../support/served.ts'

test.each(['webhook', 'sse-polling+postgres'])('%s is served, does a task, and leaves nothing', async (pattern) => {
  await using folders = await temporaryFolders()
  const service = await serve([pattern, '--time-scale', '30'], folders.tmp)
  expect(service.said[0]).toBe(`${pattern} at ${service.url}`)
  const [, body] = /-d '(.*)'$/.exec(service.said.find((line) => line.includes('-d '))!)!
  const headers = {
    authorization: `bearer ${service.token}`,
    'idempotency-key': 'a',
    'content-type': 'application/json',
  }
  const answer = await fetch(`${service.url}/v1/tasks`, {
    method: 'POST',
    headers: { ...headers, prefer: 'wait=20' },
    body: body!,
  })
  expect([answer.status, await answer.json()]).toMatchObject([200, { status: 'completed' }])
  const wanted = pattern === 'webhook' ? 'callback at /demo: {"task_id"' : 'worker-0: step 3 has its effect'
  while (!service.heard().includes(wanted)) await new Promise((resolve) => setTimeout(resolve, 20))
  expect(await service.end()).toBe(0)
})

test('a name or port that cannot be is said, with exit code 3', async () => {
  const unknown = await outlast(['serve', 'poling'])
  expect([unknown.code, unknown.stderr]).toEqual([3, expect.stringContaining('did you mean "polling"?')])
  const port = await outlast(['serve', 'polling', '--port', '70000'])
  expect([port.code, port.stderr]).toEqual([3, expect.stringContaining('from 0 to 65535')])
  const workers = await outlast(['serve', 'polling', '--workers', '2'])
  expect([workers.code, workers.stderr]).toEqual([3, expect.stringContaining('the API node of polling does its work')])
  const none = await outlast(['serve', 'polling+postgres', '--workers', '0'])
  expect([none.code, none.stderr]).toEqual([3, expect.stringContaining('from 1 to 9')])
})

test('the document of a pattern is printed, as its nodes answer it', async () => {
  const { code, stdout } = await outlast(['openapi', 'webhook-retry+postgres'])
  const document = JSON.parse(stdout) as { openapi: string; webhooks: object; servers: object }
  expect([code, document.openapi, Object.keys(document.webhooks)]).toEqual([0, '3.1.0', ['taskEnded', 'consent']])
  expect(document.servers).toEqual([{ url: '/', description: expect.any(String) }])
})
