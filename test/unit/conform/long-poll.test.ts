import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { sleep } from '../../../patterns/contract/types/timer.ts'
import reading from '../../../harness/conform/cases/reading.ts'
import { runCase } from '../../../harness/conform/suite.ts'
import { targetAt } from '../../support/contract-case.ts'

const wakes = reading.cases.find(({ name }) => name === 'long-poll-wakes')!

test.each([
  ['holds its long polls', { holds: true, stepMs: 300, readMs: 5, pollMs: 5 }, 'pass'],
  [
    'answers reads so slowly that any answer is news',
    { holds: false, stepMs: 20, readMs: 60, pollMs: 30 },
    'undecided: its long polls take no longer',
  ],
])('of a service that %s', async (_, manners, expected) => {
  const server = createServer(answerLike(manners)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const target = targetAt(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const { outcome, reason } = await runCase({ ...wakes, id: 'reading/long-poll-wakes' }, target)
  server.closeAllConnections()
  server.close()
  expect(`${outcome}: ${reason}`).toContain(expected)
})

interface Manners {
  readonly holds: boolean
  /** How long the task takes from one version to the next. */
  readonly stepMs: number
  /** How long an answer takes by itself, a plain one and that of a long poll. */
  readonly readMs: number
  readonly pollMs: number
}

/** One task, which goes on until it is cancelled. */
function answerLike({ holds, stepMs, readMs, pollMs }: Manners) {
  const begunAt = performance.now()
  let endedAt = Infinity
  const versionNow = (): number => 1 + Math.floor((Math.min(performance.now(), endedAt) - begunAt) / stepMs)
  const task = () => {
    const [now, isOver] = [new Date().toISOString(), endedAt < Infinity]
    const common = {
      task_id: 'a',
      version: versionNow(),
      created_at: now,
      updated_at: now,
      attempt: 1,
      links: { self: '/v1/tasks/a' },
    }
    return isOver ? { ...common, status: 'cancelled', finished_at: now } : { ...common, status: 'running' }
  }
  return async ({ url = '/', method }: IncomingMessage, response: ServerResponse) => {
    const asked = new URL(url, 'http://a').searchParams
    if (url.endsWith(':cancel')) endedAt = Math.min(endedAt, performance.now())
    const after = Number(asked.get('after') ?? -1)
    while (holds && asked.has('wait') && endedAt === Infinity && versionNow() <= after) await sleep(5)
    await sleep(asked.has('wait') ? pollMs : readMs)
    const status = method === 'POST' ? 202 : 200
    response
      .writeHead(status, { 'content-type': 'application/json', location: '/v1/tasks/a' })
      .end(JSON.stringify(task()))
  }
}
