import { MockAgent } from 'undici'
import { describe, expect, test } from 'vitest'
import type { ClientPorts, Job } from '../../../patterns/contract/client/client.ts'
import type { Observation } from '../../../patterns/contract/types/observations.ts'
import polling from '../../../patterns/deliveries/polling/client.ts'
import type { Mapping } from '../../../harness/model/target.ts'
import { dialectOf } from '../../../harness/targets/dialect.ts'
import { guarded } from '../../../harness/targets/guard.ts'
import { adapterOf } from '../../../harness/targets/mapping.ts'

const headers = { 'content-type': 'application/json' }
const job: Job = { key: 't-00001', ordinal: 0, input: { topic: 'tea' }, giveUpAt: Infinity }
const states = { completed: ['succeeded', 'done'], failed: ['error'], queued: ['notStarted'] }

function mappingOf(more: Partial<Mapping>): Mapping {
  const words = Object.entries(states).flatMap(([ours, theirs]) => theirs.map((word) => [word, ours]))
  return {
    submit: { method: 'POST', path: '/jobs' },
    status: { method: 'GET', path: '/jobs/{id}' },
    headers: { authorization: 'Bearer {token}' },
    key: 'idempotency-key',
    id: { path: '$.id' },
    state: '$.status',
    states: Object.fromEntries(words) as Mapping['states'],
    ...more,
  }
}

/** The polling client over an API that answers in this order. */
async function ask(mapping: Mapping, answers: readonly Answer[]) {
  const agent = new MockAgent()
  agent.disableNetConnect()
  const api = agent.get('http://api')
  const asked: { readonly path: string; readonly headers: unknown; readonly body: unknown }[] = []
  for (const { path, method = 'GET', status = 200, body = {}, more = {} } of answers)
    api.intercept({ path, method }).reply((request) => {
      asked.push({ path: request.path, headers: request.headers, body: request.body })
      return { statusCode: status, data: body as object, responseOptions: { headers: { ...headers, ...more } } }
    })
  const seen: Observation[] = []
  const ports: ClientPorts = {
    apis: [{ name: 'client->api-0', url: 'http://api' }],
    sticky: false,
    dispatcher: agent,
    token: 'secret',
    timeScale: 100,
    dialect: dialectOf(
      adapterOf(mapping),
      { digestOf: (document) => JSON.stringify(document), isWhole: () => true },
      (key) => `${key}-run`,
    ),
    now: () => performance.now(),
    random: Math.random,
    observe: (_, one) => void seen.push(one),
  }
  const delivered = await polling(job, ports, AbortSignal.timeout(5_000))
  return { delivered, asked, seen }
}

interface Answer {
  readonly path: string
  readonly method?: string
  readonly status?: number
  readonly body?: unknown
  readonly more?: Readonly<Record<string, string>>
}

describe('a client of an API that is no task API', () => {
  test('submits the input under its key, and reads until a word of its own says that it is over', async () => {
    const done = { id: 'j1', status: 'done', result: { topic: 'tea' } }
    const { delivered, asked, seen } = await ask(mappingOf({}), [
      { path: '/jobs', method: 'POST', status: 201, body: { id: 'j1', status: 'notStarted' } },
      { path: '/jobs/j1', body: { id: 'j1', status: 'somewhere in between' } },
      { path: '/jobs/j1', body: done },
    ])
    expect(delivered.task).toMatchObject({
      task_id: 'j1',
      status: 'completed',
      result: { digest: JSON.stringify(done) },
    })
    expect(asked[0]!.body).toBe(JSON.stringify(job.input))
    expect(asked[0]!.headers).toMatchObject({ 'idempotency-key': 't-00001-run', authorization: 'Bearer secret' })
    expect(seen.filter(({ f }) => f === 'poll').map(({ value }) => (value as { status: string }).status)).toEqual([
      'running',
      'completed',
    ])
  })

  test('follows an address in a header, whatever host is in it, over its own link', async () => {
    const mapping = mappingOf({ id: { header: 'operation-location' }, status: { method: 'GET', path: '{id}' } })
    const { delivered, asked } = await ask(mapping, [
      {
        path: '/jobs',
        method: 'POST',
        status: 202,
        more: { 'operation-location': 'https://elsewhere.example/ops/7?v=1' },
      },
      { path: '/ops/7?v=1', body: { status: 'running' } },
      { path: '/ops/7?v=1', body: { status: 'succeeded' } },
    ])
    expect(delivered.task.status).toBe('completed')
    expect(asked).toHaveLength(3)
  })

  test('a failure is its end', async () => {
    await expect(
      ask(mappingOf({}), [
        { path: '/jobs', method: 'POST', status: 202, body: { id: 'j1' } },
        { path: '/jobs/j1', body: { id: 'j1', status: 'error' } },
      ]),
    ).rejects.toThrow(/failed: error/)
  })

  test('a body with placeholders is filled in', async () => {
    const mapping = mappingOf({ body: { name: '{key}', about: { all: '{input}' } } })
    const { asked } = await ask(mapping, [{ path: '/jobs', method: 'POST', body: { id: 'j1', status: 'done' } }])
    expect(JSON.parse(String(asked[0]!.body))).toEqual({ name: 't-00001-run', about: { all: { topic: 'tea' } } })
  })

  test('without a key a submission in doubt is not sent again', async () => {
    const { key: _, ...mapping } = mappingOf({})
    await expect(ask(mapping, [{ path: '/jobs', method: 'POST', status: 503, body: {} }])).rejects.toMatchObject({
      reason: 'refused',
      isCertain: false,
    })
  })

  test('an id that no address can hold is none, and no mistake of the scenario', async () => {
    const mistakes: Error[] = []
    const adapter = guarded('jobs', adapterOf(mappingOf({ callback: { id: '$.id', state: '$.status' } })), (error) =>
      mistakes.push(error),
    )
    const answer = { status: 202, header: () => undefined, body: { id: '\ud800', status: 'done' } }
    const told = { key: 't-00001', input: {}, token: '' }
    expect(adapter.read(answer, told)).toMatchObject({ id: '' })
    expect(() => adapter.callback!({ headers: {}, body: Buffer.from('{"id":"\\ud800"}') }, told)).toThrow('no id')
    await expect(
      ask(mappingOf({}), [{ path: '/jobs', method: 'POST', status: 202, body: '{"id":"\\ud800","status":"done"}' }]),
    ).rejects.toThrow()
    expect(mistakes).toEqual([])
  })

  test('HTML is no task', async () => {
    await expect(ask(mappingOf({}), [{ path: '/jobs', method: 'POST', status: 404, body: '<html>' }])).rejects.toThrow()
  })
})
