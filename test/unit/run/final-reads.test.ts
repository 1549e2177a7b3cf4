import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { readFinals } from '../../../harness/run/final-reads.ts'

interface CountingNode extends AsyncDisposable {
  readonly url: string
  readonly counts: { asked: number; atOnce: number; mostAtOnce: number }
}

/** An API node that takes 2 ms for an answer and counts how many it is asked for. */
async function openNode(answer: object | undefined): Promise<CountingNode> {
  const counts = { asked: 0, atOnce: 0, mostAtOnce: 0 }
  const server = createServer(async (_, response) => {
    counts.asked++
    counts.mostAtOnce = Math.max(counts.mostAtOnce, ++counts.atOnce)
    await sleep(2)
    counts.atOnce--
    response.writeHead(answer ? 200 : 404).end(JSON.stringify(answer ?? {}))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, counts, [Symbol.asyncDispose]: async () => void server.close() }
}

async function readFrom(nodes: readonly CountingNode[], tasks: number): Promise<readonly object[]> {
  const recorded: object[] = []
  const jobs = Array.from({ length: tasks }, (_, at) => `t-${at}`)
  const access = {
    deployment: { nodes: nodes.map(({ url }, at) => ({ name: `api-${at}`, role: 'api', url })) },
    recorder: { record: (op: object) => recorded.push(op) },
    watch: () => {},
    token: 'token',
  }
  await readFinals(jobs, new Map(jobs.map((job) => [job, [`${job}-id`]])), access as never)
  return recorded
}

const completed = { task_id: 'task_1', status: 'completed', version: 5, result: { digest: 'right' } }
const running = { task_id: 'task_1', status: 'running', version: 3 }

test('reads leave the nodes their processors: few at once, whatever the number of tasks', async () => {
  await using node = await openNode(completed)
  const recorded = await readFrom([node], 60)
  expect(recorded).toHaveLength(60)
  expect(node.counts).toMatchObject({ asked: 60, mostAtOnce: 4 })
})

test('a completed task needs no second opinion; a running one has every node asked', async () => {
  await using first = await openNode(completed)
  await using behind = await openNode(running)
  await using knowsNothing = await openNode(undefined)
  await readFrom([first, behind], 5)
  expect(behind.counts.asked).toBe(0)
  const recorded = await readFrom([knowsNothing, behind, first], 5)
  expect([knowsNothing.counts.asked, behind.counts.asked, first.counts.asked]).toEqual([5, 5, 10])
  expect(recorded[0]).toMatchObject({ type: 'ok', value: { found: true, status: 'completed' } })
})

test('an answer that goes on and on is no word of a task, and is not kept', async () => {
  const chunk = Buffer.alloc(2 ** 20, ' ')
  let sent = 0
  const server = createServer((_, response) => {
    const more = (): void => {
      while (!response.destroyed && sent < 2 ** 28 && response.write(chunk)) sent += chunk.length
    }
    response.writeHead(200).on('drain', more)
    more()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const [recorded] = await readFrom([{ url } as CountingNode], 1)
  server.close().closeAllConnections()
  expect(recorded).toMatchObject({ type: 'info', error: expect.stringMatching(/exceeded/i) as string })
  expect(sent).toBeLessThan(2 ** 28)
})

const problem = '{"type":"/problems/not-found","title":"There is no such resource"}'
test.each([
  [404, 'application/problem+json', problem, 'ok'],
  [404, 'text/html', '<h1>404 Not Found</h1>', 'info'],
  [404, 'text/plain', 'default backend - 404', 'info'],
  [404, 'application/json', '{"message":"no Route matched"}', 'info'],
  [410, 'application/problem+json', problem.replace('not-found', 'gone'), 'ok'],
  [410, 'text/html', '<h1>410 Gone</h1>', 'info'],
])('%i of %s: only the API itself can say that it knows no task (%#)', async (status, type, body, said) => {
  const server = createServer((_, response) => response.writeHead(status, { 'content-type': type }).end(body))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const [recorded] = await readFrom([{ url } as CountingNode], 1)
  server.close().closeAllConnections()
  expect(recorded).toMatchObject({ type: said, value: { found: false } })
})

test('a delivery of another protocol is asked in its own words', async () => {
  const recorded: object[] = []
  const task = { task_id: 'a-id', status: 'completed', version: 3, result: { digest: 'd' } }
  const access = {
    deployment: { nodes: [{ name: 'api-0', role: 'api', url: 'rpc://a' }] },
    recorder: { record: (op: object) => recorded.push(op) },
    watch: () => {},
    token: 'token',
    readTask: async ({ url }: { url: string }, id: string) => (id === 'a-id' && url === 'rpc://a' ? task : undefined),
  }
  await readFinals(
    ['a', 'b'],
    new Map([
      ['a', ['a-id']],
      ['b', ['b-id']],
    ]),
    access as never,
  )
  const values = recorded.map((op) => (op as { task: string; value: object }).value)
  expect(values).toContainEqual({ taskId: 'a-id', found: true, status: 'completed', version: 3, digest: 'd' })
  expect(values).toContainEqual({ taskId: 'b-id', found: false })
})
