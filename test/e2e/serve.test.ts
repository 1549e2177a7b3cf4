import { expect, test } from 'vitest'
import { allScopes, openIssuer } from '../support/issuer.ts'
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
  expect(document.servers).toEqual([{ url: '.', description: expect.any(String) }])
})

test.each(['polling', 'polling+postgres'])(
  '%s is served to principals of an issuer, behind a gateway',
  async (pattern) => {
    await using folders = await temporaryFolders()
    using issuer = await openIssuer()
    const { jwksFile, issuer: OUTLAST_JWT_ISSUER, audience } = issuer.settings
    const jwt = { OUTLAST_JWKS_FILE: jwksFile, OUTLAST_JWT_ISSUER, OUTLAST_JWT_AUDIENCE: audience }
    const more = { OUTLAST_GRANT_KEY: 'a-secret-of-tests-that-is-long-enough', OUTLAST_RATE: '50/s' }
    const service = await serve([pattern, '--time-scale', '30'], folders.tmp, {
      ...jwt,
      ...more,
      OUTLAST_CORS_ORIGINS: 'https://app.example',
    })
    const ann = await issuer.token('ann', `${allScopes} tools:search`)
    const body = JSON.stringify({ type: 'agent', input: { seed: 1, profile: 'smoke', job: 'first' } })
    const headers = {
      authorization: `Bearer ${ann}`,
      'idempotency-key': 'a',
      'content-type': 'application/json',
      origin: 'https://app.example',
      prefer: 'wait=20',
    }
    const answer = await fetch(`${service.url}/v1/tasks`, { method: 'POST', headers, body })
    const task = (await answer.json()) as object
    expect(task).toMatchObject({ status: 'failed', principal: 'ann', status_reason: expect.stringContaining('403') })
    expect(answer.headers.get('ratelimit')).toMatch(/^"requests";r=\d+/)
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://app.example')
    expect(service.heard()).toMatch(/step 1 has its effect/)
    expect(service.heard()).not.toMatch(/step 2 has its effect|eyJ/)
    expect(await service.end()).toBe(0)
  },
)

test('all that is wrong with who may do what is said at once, with exit code 3, and nothing is started', async () => {
  const env = { OUTLAST_TOKEN: 'short', OUTLAST_GRANT_KEY: 'short', OUTLAST_RATE: 'often', OUTLAST_JWT_ISSUER: 'i' }
  const { code, stderr, stdout } = await outlast(['serve', 'polling', '--port', '0'], undefined, undefined, env)
  expect([code, stdout]).toEqual([3, ''])
  for (const name of [...Object.keys(env), 'all three, or none']) expect(stderr).toContain(name)
  const whole = { OUTLAST_JWKS_FILE: '/none.json', OUTLAST_JWT_ISSUER: 'i', OUTLAST_JWT_AUDIENCE: 'a' }
  const noFile = await outlast(['serve', 'polling', '--port', '0'], undefined, undefined, whole)
  expect([noFile.code, noFile.stderr]).toEqual([3, expect.stringContaining('OUTLAST_JWKS_FILE')])
})
