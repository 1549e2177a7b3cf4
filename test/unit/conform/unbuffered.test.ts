import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test, vi } from 'vitest'
import { sleep } from '../../../patterns/contract/types/timer.ts'
import streaming from '../../../harness/conform/cases/streaming.ts'
import { runCase } from '../../../harness/conform/suite.ts'
import { targetAt } from '../../support/contract-case.ts'

vi.setConfig({ testTimeout: 60_000 })
const neverStarved = () => () => undefined
const unbuffered = streaming.cases.find(({ name }) => name === 'unbuffered')!

test.each([
  ['is quick', { answerMs: 5, eventMs: 5 }, 'pass'],
  ['is slow in all that it does, as on a busy machine', { answerMs: 500, eventMs: 1_400 }, 'pass'],
  ['keeps events back', { answerMs: 5, eventMs: 1_400 }, 'fail: the task shows version'],
  ['keeps the beginning back', { answerMs: 5, eventMs: 5, headMs: 1_400 }, 'fail: the first byte came after'],
])('of a service that %s', async (_, manners, expected) => {
  const server = createServer(answerLike(manners)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const target = targetAt(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const streams = { ...target, able: { ...target.able, stream: true as const } }
  const { outcome, reason } = await runCase({ ...unbuffered, id: 'streaming/unbuffered' }, streams, neverStarved)
  server.closeAllConnections()
  server.close()
  expect(`${outcome}: ${reason}`).toContain(expected)
})

interface Manners {
  /** How long any answer takes. */
  readonly answerMs: number
  /** How long after its version is shown an event is in the stream. */
  readonly eventMs: number
  /** How long the first byte of a stream takes; as any answer by default. */
  readonly headMs?: number
}

const stepMs = 1_500

/** One task, which goes on until it is cancelled. */
function answerLike({ answerMs, eventMs, headMs = answerMs }: Manners) {
  const begunAt = performance.now()
  let endedAt = Infinity
  const versionNow = (): number => 1 + Math.floor((Math.min(performance.now(), endedAt) - begunAt) / stepMs)
  const now = new Date().toISOString()
  const end = { status: 'cancelled', finished_at: now }
  const task = () => {
    const isOver = endedAt < Infinity
    const common = { task_id: 'a', created_at: now, updated_at: now, attempt: 1, links: { self: '/v1/tasks/a' } }
    return { ...common, version: versionNow() + (isOver ? 1 : 0), ...(isOver ? end : { status: 'running' }) }
  }
  const event = (seq: number, type: string, status: string): string => {
    const data = JSON.stringify({ seq, type, status, task_id: 'a', time: now, attempt: 1, data: {} })
    return `id: ${seq}\nevent: ${type}\ndata: ${data}\n\n`
  }
  const write = async (response: ServerResponse): Promise<void> => {
    await sleep(headMs)
    const caching = 'no-store, no-transform'
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': caching })
    response.write(': open\nretry: 10\n\n')
    for (let seq = 1; !response.destroyed;) {
      const { version, status } = task()
      if (seq > version) await sleep(10)
      else {
        await sleep(eventMs)
        const isEnd = status === 'cancelled' && seq === version
        response.write(isEnd ? event(seq, 'task.cancelled', status) : event(seq, 'task.progress', 'running'))
        if (isEnd) return void response.end()
        seq++
      }
    }
  }
  return async ({ url = '/', method }: IncomingMessage, response: ServerResponse) => {
    if (url.endsWith('/events')) return write(response)
    if (url.endsWith(':cancel')) endedAt = Math.min(endedAt, performance.now())
    await sleep(answerMs)
    response.writeHead(method === 'POST' ? 202 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(task()))
  }
}
