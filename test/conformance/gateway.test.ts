import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { keepPort } from '../support/ports.ts'
import { spawn } from '../support/programs.ts'
import { allScopes, openIssuer } from '../support/issuer.ts'
import { startServe } from './support/api-node.ts'
import { send } from './support/http.ts'
import { firstAnswer, head, rawConnection } from './support/raw.ts'
import { startToolServer } from './support/tool-server.ts'
import { isTerminal, type Task } from '../../patterns/contract/types/task.ts'

const grantKey = 'a-secret-of-tests-that-is-long-enough'
const entry = fileURLToPath(new URL('../../patterns/gateway.ts', import.meta.url))

/** `gateway.ts` as a process of its own. */
async function startGateway(toolsUrl: string, limits: Readonly<Record<string, string>> = {}) {
  const own = {
    OUTLAST_NODE: 'gateway-0',
    OUTLAST_PORT: '0',
    OUTLAST_GRANT_KEY: grantKey,
    OUTLAST_TOOLS_URL: toolsUrl,
    OUTLAST_PARENT_PIPE: '1',
    ...limits,
  }
  const child = spawn(process.execPath, [entry], { env: { PATH: process.env['PATH'], ...own } })
  let log = ''
  child.stderr.on('data', (part: Buffer) => (log += part.toString()))
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  const exited = once(child, 'exit') as Promise<[number | null]>
  return { url: /at (http:\/\/\S+)$/.exec(line)![1]!, child, exited, log: () => log }
}

test('three processes: a task does what its submitter may, a foreign one is not there, and SIGTERM ends the gateway well', async () => {
  using issuer = await openIssuer()
  await using tools = await startToolServer()
  const gateway = await startGateway(tools.url)
  const env = {
    OUTLAST_GRANT_KEY: grantKey,
    OUTLAST_JWKS_FILE: issuer.settings.jwksFile,
    OUTLAST_JWT_ISSUER: issuer.settings.issuer,
    OUTLAST_JWT_AUDIENCE: issuer.settings.audience,
    OUTLAST_RATE: '100/s',
  }
  await using api = await startServe('polling', gateway.url, await keepPort(), env)
  const tokenOf = (sub: string, more: string) => issuer.token(sub, `${allScopes} ${more}`)
  const [ann, bob] = [
    await tokenOf('ann', 'tools:search tools:draft tools:finalize'),
    await tokenOf('bob', 'tools:search'),
  ]

  async function run(token: string): Promise<Task> {
    const body = { type: 'agent', input: { seed: 1, profile: 'smoke', job: `of-${token === ann ? 'ann' : 'bob'}` } }
    const asked = { method: 'POST', headers: { 'idempotency-key': 'one-key' }, body, token } as const
    const { json: task } = await send(`${api.url}/v1/tasks`, asked)
    for (let { version } = task; ;) {
      const { json: now } = await send(`${api.url}/v1/tasks/${task.task_id}?wait=20&after=${version}`, { token })
      if (isTerminal(now.status)) return now
      version = now.version
    }
  }
  const [ofAnn, ofBob] = await Promise.all([run(ann), run(bob)])
  expect([ofAnn.status, ofAnn.principal]).toEqual(['completed', 'ann'])
  expect([ofBob.status, ofBob.principal, ofBob.status_reason]).toEqual([
    'failed',
    'bob',
    expect.stringContaining('403'),
  ])
  const done = tools.effects.map(({ task, step }) => `${task} ${step}`).toSorted()
  expect(done).toEqual(['of-ann 1', 'of-ann 2', 'of-ann 3', 'of-bob 1'])
  expect((await send(`${api.url}/v1/tasks/${ofAnn.task_id}`, { token: bob })).status).toBe(404)
  const events = await send(`${api.url}/v1/tasks/${ofAnn.task_id}/events`, { token: ann })
  expect([events.status, events.text.includes('grant')]).toEqual([200, false])
  gateway.child.kill('SIGTERM')
  expect((await gateway.exited)[0]).toBe(0)
  expect(`${gateway.log()}${api.log()}`).not.toMatch(/eyJ/)
})

test('who has no grant costs it little: no body is read, and idle connections make room for others', async () => {
  const { url, child, exited } = await startGateway('http://127.0.0.1:9', { OUTLAST_MOST_CONNECTIONS: '16' })
  const body = { 'content-type': 'application/json', 'transfer-encoding': 'chunked' }
  const refused = await rawConnection(url, `${head('POST /effects', body)}2\r\n{}\r\n`)
  await refused.over
  expect(firstAnswer(refused.text()).status).toBe(401)
  const [most, idle] = [16, 40]
  const all = []
  for (let i = 0; i < idle; i++) {
    const one = await rawConnection(url, head('GET /healthz'))
    all.push(one)
    while (one.text() === '' && !one.socket.destroyed && !one.socket.readableEnded) await sleep(5)
  }
  const answered = all.filter(({ text }) => text().startsWith('HTTP/1.1 200'))
  expect(answered.length).toBeGreaterThan(most)
  expect(all.filter(({ socket }) => !socket.readableEnded).length).toBeLessThanOrEqual(most)
  for (const { socket } of [refused, ...all]) socket.destroy()
  child.kill('SIGTERM')
  await exited
})

test('no gateway starts without its secret', async () => {
  const env = {
    PATH: process.env['PATH'],
    OUTLAST_NODE: 'g',
    OUTLAST_PORT: '0',
    OUTLAST_TOOLS_URL: 'http://127.0.0.1:9',
  }
  const child = spawn(process.execPath, [entry], { env })
  let log = ''
  child.stderr.on('data', (part: Buffer) => (log += part.toString()))
  expect((await once(child, 'exit'))[0]).not.toBe(0)
  expect(log).toContain('OUTLAST_GRANT_KEY')
})

test('no API node starts with a key file that is none', async () => {
  using issuer = await openIssuer()
  issuer.publish()
  const env = {
    OUTLAST_JWKS_FILE: issuer.settings.jwksFile,
    OUTLAST_JWT_ISSUER: 'i',
    OUTLAST_JWT_AUDIENCE: 'a',
  }
  await expect(startServe('polling', 'http://127.0.0.1:9', await keepPort(), env)).rejects.toThrow('OUTLAST_JWKS_FILE')
})
