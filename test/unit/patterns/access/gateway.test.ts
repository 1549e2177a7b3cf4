import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SignJWT } from 'jose'
import { Agent } from 'undici'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { planTask } from '../../../../patterns/agent/plan.ts'
import { newTask } from '../../../../patterns/contract/engine/task-backend.ts'
import { mintGrant } from '../../../../patterns/contract/server/grants.ts'
import { grantIn } from '../../../../patterns/contract/types/granted.ts'
import { problemKind } from '../../../../patterns/contract/types/problems.ts'
import { isTerminal, type TaskRequest } from '../../../../patterns/contract/types/task.ts'
import { createGateway } from '../../../../patterns/gateway/gateway.ts'
import { readGatewaySettings } from '../../../../patterns/gateway/settings.ts'
import { epoch } from '../../../support/issuer.ts'
import { input, openGuardedApi, operatorToken, submission } from './guarded-api.ts'

/** Long enough for any of these algorithms: its length is not what they are refused for. */
const grantKey = 'a-secret-of-tests-that-is-long-enough-'.repeat(2)

/** A tool server that writes down what reached it. */
const reached: { headers: IncomingHttpHeaders; body: string }[] = []
let answerWith = 200
const tools = createServer(async (request, response) => {
  let body = ''
  for await (const chunk of request) body += chunk
  reached.push({ headers: request.headers, body })
  response.writeHead(answerWith, { 'content-type': 'application/json', 'retry-after': '7' }).end('{"nonce":"n1"}')
})
const dispatcher = new Agent()
let gateway: ReturnType<typeof createGateway>
let toolsUrl: string
beforeAll(async () => {
  await once(tools.listen(0, '127.0.0.1'), 'listening')
  toolsUrl = `http://127.0.0.1:${(tools.address() as AddressInfo).port}`
  const env = { OUTLAST_NODE: 'gateway-0', OUTLAST_PORT: '0', OUTLAST_GRANT_KEY: grantKey, OUTLAST_TOOLS_URL: toolsUrl }
  gateway = createGateway(readGatewaySettings(env), dispatcher)
})
beforeEach(() => {
  reached.length = 0
  answerWith = 200
})
afterAll(async () => {
  await dispatcher.destroy()
  tools.close().closeAllConnections()
})

const term = () => ({ iat: epoch(), exp: epoch(60) })
const mine = { sub: 'ann', task: 'task_1', job: 'it', tools: ['search', 'draft'] }
const grant = (more: object = {}, key = grantKey, ends: object = {}): string =>
  mintGrant(key, { ...mine, ...more }, { ...term(), ...ends })
const said = { task: 'it', taskId: 'task_1', step: 3, attempt: 1, executor: 'worker-0', startedAt: 1, endedAt: 2 }

interface Call {
  readonly auth?: string | undefined
  readonly tool?: string
  readonly key?: string
  readonly body?: unknown
  readonly path?: string
  readonly method?: string
}

/** A right call, but for what is named. */
async function call({ auth = `Bearer ${grant()}`, tool = 'search', key = 'task_1/3', body = said, ...to }: Call) {
  const headers = {
    ...(auth !== '' && { authorization: auth }),
    ...(tool !== '' && { 'outlast-tool': tool }),
    ...(key !== '' && { 'idempotency-key': key }),
    'content-type': 'application/json',
  }
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return gateway.request(to.path ?? '/effects', { method: to.method ?? 'POST', headers, body: text })
}

test('what was granted goes on as it came, without the grant, and so does its answer', async () => {
  const answer = await call({})
  expect([answer.status, await answer.text(), answer.headers.get('retry-after')]).toEqual([200, '{"nonce":"n1"}', '7'])
  const [{ headers, body } = { headers: {}, body: '' }] = reached
  expect(JSON.parse(body)).toEqual(said)
  expect(headers).toMatchObject({ 'idempotency-key': 'task_1/3', 'outlast-tool': 'search' })
  expect(headers).not.toHaveProperty('authorization')
})

test('a step may be done again, by another executor, and by any tool of the grant', async () => {
  const again = { ...said, attempt: 2, executor: 'worker-1', startedAt: 9 }
  const answers = [await call({}), await call({ body: again }), await call({ tool: 'draft' })]
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
})

test('the operator’s task may use every tool', async () => {
  expect((await call({ auth: `Bearer ${grant({ tools: ['*'] })}`, tool: 'anything' })).status).toBe(200)
})

test('a grant of work that has no name of the client’s is bound to its task alone', async () => {
  expect((await call({ auth: `Bearer ${grant({ job: undefined })}`, body: { ...said, task: 'x' } })).status).toBe(200)
})

const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')
const claims = () => ({ aud: 'outlast-gateway', ...mine, ...term() })
const jwt = (header: object, payload: object = claims(), key: string = grantKey) =>
  new SignJWT({ ...payload })
    .setProtectedHeader({ alg: 'HS256', typ: 'outlast-grant+jwt', ...header })
    .sign(Buffer.from(key))
function macBy(hash: string, alg: string): string {
  const signed = `${encode({ alg, typ: 'outlast-grant+jwt' })}.${encode(claims())}`
  return `${signed}.${createHmac(hash, grantKey).update(signed).digest('base64url')}`
}
const without = (name: string): object => Object.fromEntries(Object.entries(claims()).filter(([key]) => key !== name))

const unauthorized: Readonly<Record<string, () => string | Promise<string>>> = {
  noise: () => 'x',
  'another key': () => grant({}, 'another-secret-that-is-long-enough'),
  'an empty key': () => grant({}, ''),
  'alg none': () => `${encode({ alg: 'none', typ: 'outlast-grant+jwt' })}.${encode(claims())}.`,
  'alg none with its signature': () =>
    `${encode({ alg: 'none', typ: 'outlast-grant+jwt' })}.${encode(claims())}.${grant().split('.')[2]}`,
  'HS384 under the right key': () => macBy('sha384', 'HS384'),
  'HS512 under the right key': () => macBy('sha512', 'HS512'),
  'no signature': () => `${grant().split('.').slice(0, 2).join('.')}.`,
  'more tools under a right signature': () => {
    const [header, , signature] = grant().split('.')
    return `${header}.${encode({ ...claims(), tools: ['*'] })}.${signature}`
  },
  'a signature of another grant': () => {
    const [header, payload] = grant().split('.')
    return `${header}.${payload}.${grant({ tools: [] }).split('.')[2]}`
  },
  expired: () => grant({}, grantKey, { exp: epoch(-10) }),
  'no end': () => jwt({}, without('exp')),
  'not valid yet': () => jwt({}, { ...claims(), nbf: epoch(60) }),
  'another audience': () => jwt({}, { ...claims(), aud: 'outlast-api' }),
  'no audience': () => jwt({}, without('aud')),
  'another type': () => jwt({ typ: 'at+jwt' }),
  'no type': () => jwt({ typ: undefined }),
  'no task': () => jwt({}, without('task')),
  'no tools': () => jwt({}, without('tools')),
  'tools that are one word': () => jwt({}, { ...claims(), tools: 'search draft' }),
  'no principal': () => jwt({}, without('sub')),
  'a MAC in hexadecimal': () => {
    const signed = grant().split('.').slice(0, 2).join('.')
    return `${signed}.${createHmac('sha256', grantKey).update(signed).digest('hex')}`
  },
  'the operator’s token': () => operatorToken,
}

test.each(Object.keys(unauthorized))('a grant that is none: %s', async (name) => {
  const token = await unauthorized[name]!()
  const answer = await call({ auth: `Bearer ${token}` })
  expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer error="invalid_token"'])
  const text = await answer.text()
  expect(problemKind((JSON.parse(text) as { type: string }).type)).toBe('unauthorized')
  expect(text).not.toContain(token)
  expect(reached).toEqual([])
})

test.each(['', 'Bearer', `Basic ${grant()}`, grant()])('no grant: "%s"', async (auth) => {
  const answer = await call({ auth })
  expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
  expect(reached).toEqual([])
})

/** The grant is right, and is shown with what is not its own. */
const confused: readonly (readonly [string, Call, number, string])[] = [
  ['the key of another task', { key: 'task_2/3' }, 403, 'forbidden'],
  ['key and body of another task', { key: 'task_2/3', body: { ...said, taskId: 'task_2' } }, 403, 'forbidden'],
  ['the body of another task', { body: { ...said, taskId: 'task_2' } }, 403, 'forbidden'],
  ['the key of another step', { key: 'task_1/4' }, 403, 'forbidden'],
  ['the body of another step', { body: { ...said, step: 4 } }, 403, 'forbidden'],
  ['the body of other work', { body: { ...said, task: 'other' } }, 403, 'forbidden'],
  ['a key with a zero before it', { key: 'task_1/03' }, 403, 'forbidden'],
  ['a key in quotes', { key: '"task_1/3"' }, 403, 'forbidden'],
  ['a key that goes on', { key: 'task_1/3/3' }, 403, 'forbidden'],
  ['no key', { key: '' }, 403, 'forbidden'],
  ['a tool that was not granted', { tool: 'finalize' }, 403, 'forbidden'],
  ['a tool in capitals', { tool: 'Search' }, 403, 'forbidden'],
  ['two tools', { tool: 'finalize, search' }, 400, 'validation'],
  ['every tool', { tool: '*' }, 400, 'validation'],
  ['no tool', { tool: '' }, 400, 'validation'],
  ['a body that is no JSON', { body: '{' }, 400, 'validation'],
  ['a body that is a list', { body: [said] }, 400, 'validation'],
  ['a body without a task', { body: { step: 3 } }, 400, 'validation'],
  ['a step in words', { body: { ...said, step: '3' } }, 400, 'validation'],
  ['a step that is none', { body: { ...said, step: 0 }, key: 'task_1/0' }, 400, 'validation'],
  ['a body that is too large', { body: JSON.stringify({ ...said, more: 'x'.repeat(70_000) }) }, 413, 'body-too-large'],
  ['another address', { path: '/flush' }, 404, 'not-found'],
  ['another method', { method: 'PUT' }, 405, 'method-not-allowed'],
  ['another method of another address', { path: '/flush', method: 'PUT' }, 404, 'not-found'],
]

test.each(confused)('refused: %s', async (_, made, status, kind) => {
  const answer = await call(made)
  const { type } = (await answer.json()) as { type: string }
  expect([answer.status, problemKind(type)]).toEqual([status, kind])
  expect(reached).toEqual([])
})

test.each([
  ['/effects', 'PUT', 405, 'POST, OPTIONS'],
  ['/effects', 'GET', 405, 'POST, OPTIONS'],
  ['/effects', 'OPTIONS', 204, 'POST, OPTIONS'],
  ['/healthz', 'POST', 405, 'GET, HEAD, OPTIONS'],
])('%s says to %s (%i) what it takes', async (path, method, status, allow) => {
  const answer = await gateway.request(path, { method })
  expect([answer.status, answer.headers.get('allow')]).toEqual([status, allow])
})

test('what is missing of a tool has a name', async () => {
  const answer = await call({ tool: 'finalize' })
  expect(answer.headers.get('www-authenticate')).toBe('Bearer error="insufficient_scope", scope="tools:finalize"')
})

test('a tool server that fails, or is not there, is asked again', async () => {
  answerWith = 503
  expect((await call({})).status).toBe(503)
  const log = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  const env = {
    OUTLAST_NODE: 'g',
    OUTLAST_PORT: '0',
    OUTLAST_GRANT_KEY: grantKey,
    OUTLAST_TOOLS_URL: 'http://127.0.0.1:9',
  }
  const alone = createGateway(readGatewaySettings(env), dispatcher)
  const token = grant()
  const headers = { authorization: `Bearer ${token}`, 'outlast-tool': 'search', 'idempotency-key': 'task_1/3' }
  const answer = await alone.request('/effects', { method: 'POST', headers, body: JSON.stringify(said) })
  expect([answer.status, ((await answer.json()) as { retryable: boolean }).retryable]).toEqual([503, true])
  expect(log.mock.calls.join()).toContain('ECONNREFUSED')
  expect(log.mock.calls.join()).not.toContain(token)
  log.mockRestore()
})

test.each(['OUTLAST_GRANT_KEY', 'OUTLAST_TOOLS_URL', 'OUTLAST_NODE', 'OUTLAST_PORT'])(
  'no gateway without %s',
  (name) => {
    const env = { OUTLAST_NODE: 'g', OUTLAST_PORT: '0', OUTLAST_GRANT_KEY: grantKey, OUTLAST_TOOLS_URL: toolsUrl }
    expect(() => readGatewaySettings({ ...env, [name]: undefined })).toThrow(name)
  },
)

describe('a grant', () => {
  const claimsOf = (token: string) =>
    JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as Record<string, unknown>

  test('ends with the deadline of its task, and otherwise after a week', async () => {
    await using api = await openGuardedApi({ grantKey, timeScale: 10 })
    const created = async (key: string, more: object) => {
      const answer = await api.ask('/v1/tasks', submission(key, `Bearer ${operatorToken}`, more))
      const { task_id } = (await answer.json()) as { task_id: string }
      const [first] = (await api.backend.events(task_id, 0))!
      return { atS: Date.parse(first!.time) / 1000, task_id, claims: claimsOf(grantIn([first!])!) }
    }
    const bounded = await created('k1', { deadline_s: 600 })
    const open = await created('k2', {})
    expect(Math.abs((bounded.claims['exp'] as number) - bounded.atS - 60)).toBeLessThanOrEqual(1.5)
    expect(bounded.claims['exp']).toBeGreaterThanOrEqual(bounded.atS + 60)
    expect(Math.abs((open.claims['exp'] as number) - open.atS - 7 * 24 * 3600)).toBeLessThanOrEqual(1.5)
    expect(open.claims).toMatchObject({ sub: 'owner', task: open.task_id, job: input.job, tools: ['*'] })
  })

  test('is in the first event of a task that has one, and its own id in it', () => {
    const request: TaskRequest = { type: 'agent', input }
    const access = { principal: 'ann', tools: ['search'], mint: (id: string) => `grant of ${id}` }
    const { created } = newTask({ key: 'k', fingerprint: 'f', request, access }, 1, 'task_7')
    expect(created.data).toMatchObject({ principal: 'ann', tools: ['search'], grant: 'grant of task_7' })
    expect(created.data['steps']).toBe(planTask(input, 1).steps.length)
  })
})

/** The whole way: API, engine, gateway, tool server. */
describe('a task of the memory engine', () => {
  async function run(asked: object) {
    const server = createServer(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
      const answer = await gateway.request(request.url!, { method: request.method!, headers, body })
      response.writeHead(answer.status).end(await answer.text())
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const gatewayUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    await using api = await openGuardedApi({ grantKey, timeScale: 3_000, toolsUrl: gatewayUrl })
    reached.length = 0
    const smoke = { input: { seed: 1, profile: 'smoke', job: 'j' }, ...asked }
    const answer = await api.ask('/v1/tasks', submission('run', `Bearer ${operatorToken}`, smoke))
    const { task_id } = (await answer.json()) as { task_id: string }
    const follow = api.backend.follow(task_id, 0, AbortSignal.timeout(5_000))
    let last
    for await (const event of follow) last = event
    server.close().closeAllConnections()
    const tasks = reached.map(({ headers, body }) => [
      headers['outlast-tool'],
      (JSON.parse(body) as { taskId: string }).taskId,
    ])
    return { last: last!, used: tasks.filter(([, id]) => id === task_id).map(([tool]) => tool) }
  }

  test('uses what it was granted', async () => {
    const { last, used } = await run({ tools: ['search', 'draft', 'finalize'] })
    expect([last.status, used]).toEqual(['completed', ['search', 'draft', 'finalize']])
  })

  test('uses nothing else, and fails where it would have to', async () => {
    const { last, used } = await run({ tools: ['search'] })
    expect(isTerminal(last.status)).toBe(true)
    expect([last.status, used]).toEqual(['failed', ['search']])
    expect(last.data['reason']).toMatch(/answered 403/)
  })
})
