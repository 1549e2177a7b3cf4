import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text as textOf } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { openTaskClient, type TaskClient } from '../../../patterns/client.ts'
import { planTask } from '../../../patterns/agent/plan.ts'
import { answerEvent, completedEvent, createdEvent, startedEvent } from '../../../patterns/contract/engine/log.ts'
import type { TaskEvent } from '../../../patterns/contract/types/events.ts'
import { foldEvents } from '../../../patterns/contract/types/fold.ts'
import type { Task } from '../../../patterns/contract/types/task.ts'

const input = { seed: 1, profile: 'smoke', job: 'j' }
const plan = planTask(input, 1)
const created = createdEvent('task_1', { type: 'agent', input }, plan, new Date(0))
const started = startedEvent(created, plan, 'api-0', new Date(1))
const completed = completedEvent(started, { digest: 'd', steps: 3 }, new Date(2))
const log: readonly TaskEvent[] = [created, started, completed]
const queued = foldEvents([created])
const ended = foldEvents(log)
const submission = { key: 'k', type: 'agent', input, deadlineMs: 2_000 }

type Kind = 'submit' | 'read' | 'stream' | 'cancel' | 'command'
interface Asked {
  readonly kind: Kind
  readonly nth: number
  readonly url: string
  readonly atMs: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
}
type Serve = (response: ServerResponse, asked: Asked) => void

/** The client that applications import, before a server that answers as this says. Pauses are a hundredth. */
async function meet<T>(serve: Serve, work: (client: TaskClient) => Promise<T>, addresses = 1) {
  const asked: Asked[] = []
  const server = createServer(async (incoming, response) => {
    const { method, url = '', headers } = incoming
    const order = url.endsWith(':cancel') ? 'cancel' : url.endsWith('/commands') ? 'command' : 'submit'
    const kind = method === 'POST' ? order : url.includes('/events') ? 'stream' : 'read'
    const one = {
      kind,
      nth: asked.filter((other) => other.kind === kind).length + 1,
      url,
      headers,
      atMs: performance.now(),
      body: await textOf(incoming),
    } as const
    asked.push(one)
    serve(response, one)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}/base`
  await using client = openTaskClient({
    apis: Array<string>(addresses).fill(api),
    token: 'a-token-for-tests-only',
    timeScale: 100,
  })
  const result = await work(client).catch((error: Error) => error)
  server.close().closeAllConnections()
  return { result, asked, of: (kind: Kind) => asked.filter((one) => one.kind === kind) }
}

function give(response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

function stream(response: ServerResponse, events: readonly object[] = log, contentType = 'text/event-stream'): void {
  response.writeHead(200, { 'content-type': contentType })
  response.end(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''))
}

/** Accepts, and streams nothing: what follows is reads. */
const readsOnly =
  (read: Serve, accepted: Task = queued): Serve =>
  (response, asked) => {
    if (asked.kind === 'submit') give(response, 202, accepted)
    else if (asked.kind === 'stream') give(response, 405, {})
    else read(response, asked)
  }

test.each([200, 201, 202, 203])('a task that comes with %d is what was asked for', async (status) => {
  const { result, of } = await meet(
    (response, { kind }) =>
      kind === 'stream' ? give(response, 405, {}) : give(response, status, kind === 'submit' ? queued : ended),
    (client) => client.run(submission),
  )
  expect([result, of('submit').length]).toEqual([ended, 1])
  const cancelled = await meet(
    (response) => give(response, status, ended),
    (client) => client.cancel('task_1', submission),
  )
  expect([cancelled.result, cancelled.asked.length]).toEqual([ended, 1])
})

test.each(['Text/Event-Stream', 'text/event-stream;charset=utf-8', 'TEXT/EVENT-STREAM ; charset="UTF-8"'])(
  'a stream is one as %s too',
  async (type) => {
    const { result, of } = await meet(
      (response, { kind }) => (kind === 'submit' ? give(response, 202, queued) : stream(response, log, type)),
      (client) => client.run(submission),
    )
    expect([result, of('stream').length, of('read').length]).toEqual([ended, 1, 0])
  },
)

test('what is not quite an event stream is none', async () => {
  const { result, of } = await meet(
    (response, { kind }) => {
      if (kind === 'submit') give(response, 202, queued)
      else if (kind === 'stream') stream(response, log, 'text/event-streams')
      else give(response, 200, ended)
    },
    (client) => client.run(submission),
  )
  expect([result, of('read').length]).toEqual([ended, 1])
})

test('a validator is the server’s: the client sends none that it never got, and the one that it got', async () => {
  const { result, of } = await meet(
    readsOnly((response, { nth, headers }) => {
      const etag = `"${nth > 3 ? 2 : 1}"`
      // By this server's count the first state that it shows is 1, whatever the task's version.
      if (headers['if-none-match'] === etag) response.writeHead(304, { etag }).end()
      else give(response, 200, nth > 3 ? ended : { ...queued, version: 2 }, { etag })
    }),
    (client) => client.run(submission),
  )
  expect(result).toEqual(ended)
  expect(of('read').map(({ headers }) => headers['if-none-match'])).toEqual([undefined, '"1"', '"1"', '"1"'])
  expect(of('read')[1]!.url).toMatch(/\?wait=0\.25&after=2$/)
})

test('an id is the service’s own text: it is escaped wherever it is in an address', async () => {
  const task_id = 'a/b?c#d%20é'
  const place = `/base/v1/tasks/${encodeURIComponent(task_id)}`
  const { result, of } = await meet(
    readsOnly((response) => give(response, 200, { ...ended, task_id }), { ...queued, task_id }),
    (client) => client.run(submission),
  )
  expect(result).toMatchObject({ task_id, status: 'completed' })
  expect([of('stream')[0]!.url, of('read')[0]!.url.split('?')[0]]).toEqual([`${place}/events`, place])
  const cancelled = await meet(
    (response) => give(response, 200, { ...ended, task_id }),
    (client) => client.cancel(task_id, submission),
  )
  expect(cancelled.asked.map(({ url }) => url)).toEqual([`${place}:cancel`])
})

test('no coding is acceptable, since none is undone here', async () => {
  const { asked } = await meet(
    (response, { kind }) =>
      kind === 'submit' ? give(response, 202, queued) : give(response, kind === 'read' ? 200 : 405, ended),
    (client) => client.run(submission),
  )
  const json = 'application/json, application/problem+json'
  const said = asked.map(({ kind, headers }) => [kind, `${headers['accept-encoding']}; ${headers.accept}`] as const)
  expect(Object.fromEntries(said)).toEqual({
    submit: `identity; ${json}`,
    stream: 'identity; text/event-stream',
    read: `identity; ${json}`,
  })
})

test('what an event holds beside the contract is the service’s own, and may be nothing', async () => {
  const bare = log.map((event) => ({ ...event, data: {} }))
  const { result, of } = await meet(
    (response, { kind }) => (kind === 'submit' ? give(response, 202, queued) : stream(response, bare)),
    (client) => client.run(submission),
  )
  expect([result, of('stream').length]).toEqual([expect.objectContaining({ status: 'completed', version: 3 }), 1])
})

test.each(['', 'schlüssel', 'two words', 'a"b', 'x'.repeat(129)])('%j is no key: nothing is sent', async (key) => {
  const { result, asked } = await meet(
    () => {},
    (client) => client.run({ ...submission, key }),
  )
  expect([result, asked]).toEqual([
    expect.objectContaining({ name: 'RangeError', message: expect.stringContaining('key') }),
    [],
  ])
})

test('what a stream said of `retry` holds until another one says otherwise', async () => {
  const { of } = await meet(
    (response, { kind, nth }) => {
      if (kind === 'submit') return give(response, 202, queued)
      if (kind === 'read') return give(response, 200, queued)
      if (nth > 1) return give(response, 503, {})
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      return response.end('retry: 400\n\n: the node leaves\n\n')
    },
    (client) => client.run({ ...submission, deadlineMs: 1_500 }),
  )
  const times = of('stream').map(({ atMs }) => atMs)
  expect(times.length).toBeGreaterThan(2)
  for (const [i, atMs] of times.slice(1).entries()) expect(atMs - times[i]!).toBeGreaterThanOrEqual(390)
})

test.each([
  [{ token: 'read-from-a-file\n' }, 'token'],
  [{ apis: ['localhost:8080'] }, 'apis'],
  [{ apis: ['https://one.example', 'two.example'] }, 'apis'],
  [{ apis: ['https://one.example/api?tenant=1'] }, 'query'],
  [{ apis: ['https://one.example/api?'] }, 'query'],
  [{ apis: ['https://one.example/#tasks'] }, 'fragment'],
  [{ apis: ['https://somebody:secret@one.example'] }, 'password'],
])('%j can send nothing, and says so at once', (options, named) => {
  const whole = { apis: ['https://one.example'], token: 'a-token-for-tests-only', ...options }
  expect(() => openTaskClient(whole)).toThrow(RangeError)
  expect(() => openTaskClient(whole)).toThrow(named)
})

test('a stream that goes on after its last event is closed, though it is never silent', async () => {
  const closed = Promise.withResolvers<void>()
  const { result } = await meet(
    (response, { kind }) => {
      if (kind === 'submit') return give(response, 202, queued)
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(log.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''))
      const beating = setInterval(() => response.write(': heartbeat\n'), 50)
      return response.once('close', () => {
        clearInterval(beating)
        closed.resolve()
      })
    },
    async (client) => {
      const task = await client.run(submission)
      await closed.promise
      return task
    },
  )
  expect(result).toEqual(ended)
})

test('a task that this client saw accepted may be unknown for a while, also to a cancellation of its own', async () => {
  let acceptedAtMs = Infinity
  const { result, of } = await meet(
    (response, { kind }) => {
      if (kind === 'submit') {
        acceptedAtMs = performance.now()
        give(response, 202, queued)
      } else if (performance.now() - acceptedAtMs < 60)
        give(response, 404, { type: '/problems/not-found', title: 'no' })
      else if (kind === 'cancel') give(response, 200, ended)
      else stream(response)
    },
    async (client) => {
      const cancelled = Promise.withResolvers<unknown>()
      const onAccepted = (): void =>
        void client.cancel('task_1', submission).then(cancelled.resolve, (error: unknown) => cancelled.resolve(error))
      await client.run({ ...submission, onAccepted })
      return cancelled.promise
    },
  )
  expect([result, of('cancel').length > 1]).toEqual([ended, true])
})

test.each([
  [429, {}, false],
  [503, { type: '/problems/temporary-reduced-capacity', title: 'full' }, true],
])('after %d %j and a wish to wait another address is tried at once: %s', async (status, problem, isAtOnce) => {
  const headers = { 'content-type': 'application/problem+json', 'retry-after-ms': '400' }
  const { result, of } = await meet(
    (response, { kind, nth }) => {
      if (kind === 'stream') stream(response)
      else if (nth === 1) give(response, status, problem, headers)
      else give(response, 202, queued)
    },
    (client) => client.run(submission),
    2,
  )
  const [first, second] = of('submit')
  expect([result, second!.atMs - first!.atMs < 300]).toEqual([ended, isAtOnce])
})

const wish = { id: 'stop', type: 'interrupt' } as const

test('a command is sent until it is acknowledged, each time as the same one', async () => {
  const { result, asked } = await meet(
    (response, { nth }) => {
      if (nth === 1) response.destroy()
      else if (nth === 2) give(response, 503, {})
      else if (nth === 3) give(response, 202, { ...wish, id: 'another', replayed: false })
      else give(response, 202, { ...wish, task_id: 'task_1', replayed: true })
    },
    (client) => client.command('task_1', wish, submission),
    2,
  )
  expect(result).toEqual({ replayed: true })
  expect(asked.map(({ kind, url, body }) => [kind, url, JSON.parse(body)])).toEqual(
    Array.from({ length: 4 }, () => ['command', '/base/v1/tasks/task_1/commands', wish]),
  )
})

test.each([
  [400, 'validation'],
  [409, 'task-ended'],
  [422, 'command-id-reused'],
  [501, 'not-supported'],
])('a command that is answered %d ends at once, by the name of the problem', async (status, name) => {
  const { result, asked } = await meet(
    (response) => give(response, status, { type: `/problems/${name}`, title: 'no' }),
    (client) => client.command('task_1', wish, submission),
  )
  expect([result, asked.length]).toEqual([
    expect.objectContaining({
      name: 'JobFailed',
      reason: 'refused',
      problem: name,
      isCertain: false,
      taskId: 'task_1',
    }),
    1,
  ])
})

test('what an agent remembers is read until it comes, whole', async () => {
  const snapshot = { version: 2, digest: 'd', document: { instruction: 'be brief' } }
  const { result, asked } = await meet(
    (response, { nth }) => give(response, 200, nth === 1 ? { ...snapshot, document: [] } : snapshot),
    (client) => client.context('task_1', submission),
  )
  expect([result, asked.map(({ url }) => url)]).toEqual([snapshot, Array(2).fill('/base/v1/tasks/task_1/context')])
})

test('a task whose agent has no memory may come to a good end all the same', async () => {
  const { result } = await meet(
    (response) => give(response, 404, { type: '/problems/not-found', title: 'no' }),
    (client) => client.context('task_1', submission),
  )
  expect(result).toMatchObject({ reason: 'gone', problem: 'not-found', isCertain: false })
})

test('a submission says what the task may spend, and what its agent remembers', async () => {
  const more = { budget: { credits: 5 }, memory: { instruction: 'be brief' } }
  const { of } = await meet(
    (response, { kind }) => (kind === 'submit' ? give(response, 202, queued) : stream(response)),
    (client) => client.run({ ...submission, ...more }),
  )
  expect(JSON.parse(of('submit')[0]!.body)).toEqual({ type: 'agent', input, ...more })
})

test.each(['stream', 'read'] as const)('a task that stands still has not ended: a client goes on (%s)', async (way) => {
  const stopped = answerEvent(started, 'task.interrupted', { reason: 'asked' }, new Date(2))
  const went = answerEvent(stopped, 'task.continued', { command: 'go' }, new Date(3))
  const end = completedEvent(went, { digest: 'd', steps: 3 }, new Date(4))
  const whole = [created, started, stopped, went, end]
  const seen: string[] = []
  const { result } = await meet(
    (response, { kind, nth }) => {
      if (kind === 'submit') return give(response, 202, queued)
      if (kind === 'stream') return way === 'stream' ? stream(response, whole) : give(response, 405, {})
      return give(response, 200, foldEvents(nth < 3 ? whole.slice(0, 3) : whole))
    },
    (client) => client.run({ ...submission, onProgress: ({ status }) => void seen.push(status) }),
  )
  expect(result).toMatchObject({ status: 'completed', version: 5 })
  expect(seen).toContain('input_required')
})
