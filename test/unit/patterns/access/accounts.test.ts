import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readSettings } from '../../../../patterns/contract/server/settings.ts'
import { allScopes } from '../../../support/issuer.ts'
import { type Asked, type GuardedApi, openGuardedApi, operatorToken } from './guarded-api.ts'

let api: GuardedApi
beforeAll(async () => {
  api = await openGuardedApi({ balances: { ann: 300, bob: 7, 'https://idp.example/eve': 1 } })
})
afterAll(() => api[Symbol.asyncDispose]())

const operator = `Bearer ${operatorToken}`
const bearer = async (sub: string, scope = allScopes) => `Bearer ${await api.issuer.token(sub, scope)}`
const post = (auth: string, body: unknown): Asked => ({ method: 'POST', auth, body })
const shown = async (answer: Response) => [answer.status, await answer.json()]

describe('an account', () => {
  test('is shown to its principal and the operator, and to nobody else', async () => {
    const [status, said] = await shown(await api.ask('/v1/accounts/bob', { auth: await bearer('bob') }))
    expect([status, said]).toEqual([200, { principal: 'bob', credits: 7, held: 0, spent: 0 }])
    expect(await shown(await api.ask('/v1/accounts/bob', { auth: operator }))).toEqual([200, said])
    const others = await shown(await api.ask('/v1/accounts/bob', { auth: api.ann }))
    expect(others).toEqual(await shown(await api.ask('/v1/accounts/nobody', { auth: api.ann })))
    expect(others[0]).toBe(404)
  })

  test('has what a task of it holds', async () => {
    const answer = await api.ask('/v1/accounts/ann', { auth: api.ann })
    expect(await answer.json()).toEqual({ principal: 'ann', credits: 298, held: 2, spent: 0 })
  })

  test('may be of any name', async () => {
    const path = `/v1/accounts/${encodeURIComponent('https://idp.example/eve')}`
    expect((await shown(await api.ask(path, { auth: operator })))[1]).toMatchObject({ credits: 1 })
  })

  test('is topped up once per id, by the operator', async () => {
    const path = '/v1/accounts/bob/top-ups'
    const made = await api.ask(path, post(operator, { id: 'a', credits: 3 }))
    expect([made.headers.get('Command-Replayed'), ...(await shown(made))]).toEqual([
      null,
      200,
      { principal: 'bob', credits: 10, held: 0, spent: 0 },
    ])
    const again = await api.ask(path, post(operator, { id: 'a', credits: 3 }))
    expect([again.headers.get('Command-Replayed'), await again.json()]).toMatchObject(['true', { credits: 10 }])
    expect((await api.ask(path, post(operator, { id: 'a', credits: 4 }))).status).toBe(422)
    for (const bad of [{}, { id: '', credits: 1 }, { id: 'x', credits: 0 }, { id: 'x', credits: 1, more: 1 }, []])
      expect((await api.ask(path, post(operator, bad))).status).toBe(400)
  })

  test('is no cap for who could raise it: its own principal may not, whatever its scopes', async () => {
    for (const name of ['bob', 'ann', 'nobody']) {
      const answer = await api.ask(
        `/v1/accounts/${name}/top-ups`,
        post(await bearer('bob'), { id: 'mine', credits: 4 }),
      )
      expect([answer.status, answer.headers.get('WWW-Authenticate')]).toEqual([403, expect.stringContaining('Bearer')])
    }
    expect((await shown(await api.ask('/v1/accounts/bob', { auth: operator })))[1]).toMatchObject({ credits: 10 })
  })

  test('is 404 where nobody has any', async () => {
    await using bare = await openGuardedApi()
    expect((await bare.ask('/v1/accounts/ann', { auth: bare.ann })).status).toBe(404)
    expect((await bare.ask('/v1/accounts/ann/top-ups', post(operator, { id: 'a', credits: 3 }))).status).toBe(404)
  })
})

const env = {
  OUTLAST_NODE: 'api-0',
  OUTLAST_PORT: '8080',
  OUTLAST_DELIVERY: 'sse',
  OUTLAST_ENGINE: 'memory',
  OUTLAST_TOKEN: 'a-token-for-tests-only',
}

describe('in the environment', () => {
  test('balances are JSON, and rates are as those of requests', () => {
    const OUTLAST_BALANCES = '{"ann": 300, "bob": 0}'
    expect(readSettings({ ...env, OUTLAST_BALANCES }).balances).toEqual({ ann: 300, bob: 0 })
    const rates = { OUTLAST_TOOL_RATE_PER_TASK: '2/s:4', OUTLAST_TOOL_RATE_PER_PRINCIPAL: '30/m' }
    const [task, principal] = [
      { perSecond: 2, burst: 4 },
      { perSecond: 0.5, burst: 30 },
    ]
    expect(readSettings({ ...env, ...rates }).toolRates).toEqual({ task, principal })
    expect(readSettings({ ...env, OUTLAST_TOOL_RATE_PER_TASK: '2/s:4' }).toolRates).toEqual({ task })
    expect(readSettings(env)).not.toHaveProperty('toolRates')
    expect(readSettings(env)).not.toHaveProperty('balances')
  })

  test.each(['', 'x', '[]', '3', 'null', '{"a": -1}', '{"a": 1.5}', '{"a": "3"}', '{"a": 1e10}'])(
    '"%s" are no balances, and that is said beside what else is wrong',
    (text) => {
      const wrong = { ...env, OUTLAST_BALANCES: text, OUTLAST_TOOL_RATE_PER_TASK: 'often', OUTLAST_PORT: 'x' }
      expect(() => readSettings(wrong)).toThrow(
        /(?=.*OUTLAST_BALANCES)(?=.*OUTLAST_TOOL_RATE_PER_TASK)(?=.*OUTLAST_PORT)/s,
      )
    },
  )
})
