import { afterAll, beforeAll, expect, test } from 'vitest'
import { allScopes } from '../../../support/issuer.ts'
import { type GuardedApi, openGuardedApi } from './guarded-api.ts'

interface Answer {
  readonly headers?: Readonly<Record<string, object>>
}
interface Operation {
  readonly operationId: string
  readonly security?: readonly { readonly bearer?: readonly string[] }[]
  readonly responses: Readonly<Record<string, Answer>>
}

let api: GuardedApi
let operations: readonly (readonly [method: string, path: string, Operation])[]
beforeAll(async () => {
  api = await openGuardedApi()
  const { paths } = (await (await api.ask('/openapi.json')).json()) as {
    paths: Record<string, Record<string, Operation>>
  }
  operations = Object.entries(paths)
    .filter(([path]) => path.startsWith('/v1'))
    .flatMap(([path, methods]) => Object.entries(methods).map(([method, one]) => [method, path, one] as const))
})
afterAll(() => api[Symbol.asyncDispose]())

test('the scope that the document names is the one that is asked for, and is enough', async () => {
  expect(operations.length).toBeGreaterThan(6)
  for (const [method, path, { operationId, security }] of operations) {
    const [scope] = security![0]!.bearer!
    const place = path.replace('{id}', api.victim).replace('{delivery_id}', 'evt_1')
    const ask = async (scopes: readonly string[]) => {
      const auth = `Bearer ${await api.issuer.token('ann', scopes.join(' '))}`
      // What a command needs depends on what it is.
      const body = operationId === 'putCommand' && { body: { id: 'stop', type: 'interrupt' } }
      return api.ask(place, { method: method.toUpperCase(), auth, ...body })
    }
    const without = await ask(allScopes.split(' ').filter((one) => one !== scope))
    const challenge = `Bearer error="insufficient_scope"${scope ? `, scope="${scope}"` : ''}`
    expect([operationId, without.status, without.headers.get('www-authenticate')]).toEqual([
      operationId,
      403,
      challenge,
    ])
    // No scope of a principal's is enough for what is the operator's.
    if (scope === undefined) expect(operationId).toBe('topUp')
    else expect([operationId, [401, 403].includes((await ask([scope])).status)]).toEqual([operationId, false])
  }
})

test('every operation says how it refuses, and what is left of a limit', () => {
  for (const [, , { responses }] of operations) {
    expect(Object.keys(responses)).toEqual(expect.arrayContaining(['401', '403', '429']))
    expect(Object.keys(responses['403']!.headers!)).toContain('WWW-Authenticate')
    expect(Object.keys(responses['429']!.headers!)).toEqual(expect.arrayContaining(['Retry-After', 'RateLimit']))
    for (const [status, { headers = {} }] of Object.entries(responses))
      expect([status, 'RateLimit' in headers]).toEqual([status, status !== '401'])
  }
})
