import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { mintGrant } from '../../../../patterns/contract/server/grants.ts'
import { problemKind } from '../../../../patterns/contract/types/problems.ts'
import { allKinds, allScopes, epoch } from '../../../support/issuer.ts'
import { type Asked, type GuardedApi, openGuardedApi, operatorToken, submission } from './guarded-api.ts'

let api: GuardedApi
beforeAll(async () => (api = await openGuardedApi({}, allKinds)))
afterAll(() => api[Symbol.asyncDispose]())

const encode = (part: object | string): string =>
  Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url')

/** What a right token of ann's says: each forgery changes one thing. */
const claims = (): Record<string, unknown> => {
  const { issuer: iss, audience: aud } = api.issuer.settings
  return { iss, aud, sub: 'ann', scope: allScopes, iat: epoch(), exp: epoch(600) }
}
const without = (...names: readonly string[]): object =>
  Object.fromEntries(Object.entries(claims()).filter(([name]) => !names.includes(name)))
const signed = (more: object): Promise<string> => api.issuer.sign({ ...claims(), ...more })
const right = (): Promise<string> => signed({})

/** With a public key as the secret of a MAC (RFC 8725, 2.1). */
function hmac(header: object, secret: string): string {
  const text = `${encode(header)}.${encode(claims())}`
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
}

const forgeries: Readonly<Record<string, () => string | Promise<string>>> = {
  'no token at all of ours': () => 'x',
  'the operator’s token in capitals': () => operatorToken.toUpperCase(),
  'three empty parts': () => '..',
  'three parts of noise': () => 'a.b.c',
  'a header that is no JSON': async () => `${encode('{')}.${(await right()).split('.').slice(1).join('.')}`,
  'alg none': () => `${encode({ alg: 'none', kid: 'ed' })}.${encode(claims())}.`,
  'alg None': () => `${encode({ alg: 'None', kid: 'ed' })}.${encode(claims())}.`,
  'alg none with a signature': async () =>
    `${encode({ alg: 'none', kid: 'ed' })}.${encode(claims())}.${(await right()).split('.')[2]}`,
  'no alg': async () => `${encode({ kid: 'ed' })}.${encode(claims())}.${(await right()).split('.')[2]}`,
  'HS256 with the public key in PEM': async () => hmac({ alg: 'HS256', kid: 'ed' }, await api.issuer.publicPem('ed')),
  'HS256 with the public RSA key in PEM': async () =>
    hmac({ alg: 'HS256', kid: 'rsa' }, await api.issuer.publicPem('rsa')),
  'HS256 with the public key as JWK': () => hmac({ alg: 'HS256', kid: 'ed' }, JSON.stringify(api.issuer.jwks.keys[0])),
  'HS256 with the coordinate of the public key': () => hmac({ alg: 'HS256', kid: 'ed' }, api.issuer.jwks.keys[0]!.x!),
  'HS256 with the file of the keys': () =>
    hmac({ alg: 'HS256', kid: 'ed' }, readFileSync(api.issuer.settings.jwksFile, 'utf8')),
  'HS256 with the operator’s token': () => hmac({ alg: 'HS256', kid: 'ed' }, operatorToken),
  'another key under a known kid': () => api.issuer.sign(claims(), { by: 'forger', kid: 'ed' }),
  'another key under its own kid': () => api.issuer.sign(claims(), { by: 'forger' }),
  'another key, and no kid': () => api.issuer.sign(claims(), { by: 'forger', kid: undefined }),
  'a known key, and no kid': () => api.issuer.sign(claims(), { kid: undefined }),
  'the kid of a key of another kind': () => api.issuer.sign(claims(), { kid: 'rsa' }),
  'a kid that is a path': () => api.issuer.sign(claims(), { by: 'forger', kid: '../../../dev/null' }),
  'a key that the token brings': async () => {
    const { publicKey } = await import('jose').then((jose) => jose.generateKeyPair('EdDSA', { extractable: true }))
    const jwk = await import('jose').then((jose) => jose.exportJWK(publicKey))
    return api.issuer.sign(claims(), { by: 'forger', kid: 'forger', jwk })
  },
  'an address of keys that the token brings': () =>
    api.issuer.sign(claims(), { by: 'forger', jku: 'http://127.0.0.1:9/jwks.json' }),
  'an algorithm that is not taken': () => api.issuer.sign(claims(), { by: 'long' }),
  'PS256 with a key for RS256': () => api.issuer.sign(claims(), { by: 'pss', kid: 'rsa' }),
  'a critical extension that nobody knows': async () => {
    const [, payload, signature] = (await right()).split('.')
    return `${encode({ alg: 'EdDSA', kid: 'ed', crit: ['x'], x: 1 })}.${payload}.${signature}`
  },
  'no signature': async () => `${(await right()).split('.').slice(0, 2).join('.')}.`,
  'a signature with one letter changed': async () => {
    const [header, payload, signature] = (await right()).split('.')
    return `${header}.${payload}.${signature!.startsWith('A') ? 'B' : 'A'}${signature!.slice(1)}`
  },
  'other claims under a right signature': async () => {
    const [header, , signature] = (await signed({ sub: 'bob' })).split('.')
    return `${header}.${encode(claims())}.${signature}`
  },
  'claims that are no JSON': () => api.issuer.sign([]),
  expired: () => signed({ exp: epoch(-10) }),
  'expired long ago': () => signed({ exp: 1 }),
  'no end': () => api.issuer.sign(without('exp')),
  'an end in words': () => signed({ exp: 'never' }),
  'not valid yet': () => signed({ nbf: epoch(60) }),
  'another issuer': () => signed({ iss: 'https://issuer.example.evil' }),
  'the issuer with a slash': () => signed({ iss: 'https://issuer.example/' }),
  'no issuer': () => api.issuer.sign(without('iss')),
  'another audience': () => signed({ aud: 'another-api' }),
  'a list of other audiences': () => signed({ aud: ['another-api', 'outlast'] }),
  'no audience': () => api.issuer.sign(without('aud')),
  'no sub': () => api.issuer.sign(without('sub')),
  'an empty sub': () => signed({ sub: '' }),
  'a sub that is a number': () => signed({ sub: 1 }),
  'the operator’s name as sub': () => signed({ sub: 'owner' }),
  'a sub that no store can hold': () => signed({ sub: 'ann\0' }),
  'a sub of 256 bytes': () => signed({ sub: 'a'.repeat(256) }),
  'a grant': () =>
    mintGrant('k'.repeat(32), { sub: 'ann', task: api.victim, tools: ['*'] }, { iat: epoch(), exp: epoch(60) }),
  'two tokens': async () => `${await right()}, ${await right()}`,
  'a right token with a space after it and more': async () => `${await right()} x`,
}

/** 401, and nothing was read, asked or changed. */
test.each(Object.keys(forgeries))('forged: %s', async (name) => {
  const before = await api.state()
  const token = await forgeries[name]!()
  for (const asked of [submission('forged', `Bearer ${token}`), { auth: `Bearer ${token}` }]) {
    const answer = await api.ask(asked.method === 'POST' ? '/v1/tasks' : `/v1/tasks/${api.victim}`, asked)
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"')
    expect(answer.headers.get('connection')).toBe('close')
    const text = await answer.text()
    expect(problemKind((JSON.parse(text) as { type: string }).type)).toBe('unauthorized')
    expect(text).not.toContain(token)
  }
  expect(await api.state()).toBe(before)
})

/** What is no bearer token has no flaw (RFC 6750, 3.1). */
test.each(['', 'Bearer', 'Bearer ', 'Basic YW5uOnB3', 'Token x'])('no token: "%s"', async (auth) => {
  const before = await api.state()
  const answer = await api.ask(`/v1/tasks/${api.victim}`, { auth })
  expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
  expect(await api.state()).toBe(before)
})

test('a token in the address is none', async () => {
  const answer = await api.ask(`/v1/tasks/${api.victim}?access_token=${await right()}`)
  expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
})

describe('right tokens', () => {
  test.each(['ed', 'ec', 'rsa', 'pss'])('are taken with a key of the kind %s', async (by) => {
    const auth = `Bearer ${await api.issuer.sign(claims(), { by })}`
    expect((await api.ask(`/v1/tasks/${api.victim}`, { auth })).status).toBe(200)
  })

  test('may end or begin within what clocks differ by, and name other audiences besides', async () => {
    const more = [{ exp: epoch(-3) }, { nbf: epoch(3) }, { aud: ['another-api', 'outlast-api'] }]
    for (const one of more)
      expect((await api.ask(`/v1/tasks/${api.victim}`, { auth: `bearer ${await signed(one)}` })).status).toBe(200)
  })
})

function command(said: object): Asked {
  return { method: 'POST', body: { id: 'c-1', ...said } }
}

/** Every operation on a task, and the scope that it takes. */
const operations: readonly (readonly [string, string, Asked, string])[] = [
  ['read', '', {}, 'tasks:read'],
  ['its headers alone', '', { method: 'HEAD' }, 'tasks:read'],
  ['long poll', '?wait=1&after=1', {}, 'tasks:read'],
  ['read under a condition', '', { headers: { 'if-none-match': '"2"' } }, 'tasks:read'],
  ['page of events', '/events', {}, 'tasks:read'],
  ['page from a place', '/events?after=1', {}, 'tasks:read'],
  ['page beyond the log', '/events?after=99', {}, 'tasks:read'],
  ['stream', '/events', { headers: { accept: 'text/event-stream' } }, 'tasks:read'],
  ['socket', '/ws', { delivery: 'websocket' }, 'tasks:read'],
  ['cancel', ':cancel', { method: 'POST' }, 'tasks:cancel'],
  ['cancel under a condition', ':cancel', { method: 'POST', headers: { 'if-match': '*' } }, 'tasks:cancel'],
  ['interrupt', '/commands', command({ type: 'interrupt' }), 'tasks:steer'],
  ['resume', '/commands', command({ type: 'resume' }), 'tasks:steer'],
  ['steer', '/commands', command({ type: 'steer', patch: [{ op: 'remove', path: '/of' }] }), 'tasks:steer'],
  ['top up', '/commands', command({ type: 'top_up', credits: 1 }), 'tasks:topup'],
  ['memory', '/context', {}, 'tasks:read'],
  ['its headers alone, of the memory', '/context', { method: 'HEAD' }, 'tasks:read'],
  ['patches of the memory', '/context?after=1', {}, 'tasks:read'],
  ['patches from a version that is not', '/context?after=99', {}, 'tasks:read'],
  ['memory under a condition', '/context', { headers: { 'if-none-match': '"1"' } }, 'tasks:read'],
  ['deliveries', '/deliveries', {}, 'tasks:read'],
  ['replay', '/deliveries/evt_1:replay', { method: 'POST' }, 'tasks:submit'],
]

describe.each(operations)('%s', (_, place, how, scope) => {
  test('of a foreign task is as that of none, to the letter', async () => {
    const before = await api.state()
    const auth = `Bearer ${await api.issuer.token('bob', `${allScopes} tools:search`)}`
    const answers = await Promise.all(
      [api.victim, 'task_none'].map(async (id) => {
        const answer = await api.ask(`/v1/tasks/${id}${place}`, { ...how, auth })
        return { status: answer.status, headers: [...answer.headers], said: (await answer.text()).replaceAll(id, 'ID') }
      }),
    )
    expect(answers[0]).toEqual(answers[1])
    expect(answers[0]!.status).toBe(404)
    if (how.method !== 'HEAD')
      expect(problemKind((JSON.parse(answers[0]!.said) as { type: string }).type)).toBe('not-found')
    expect(await api.state()).toBe(before)
  })

  test('without its scope is forbidden, and names it', async () => {
    const before = await api.state()
    const others = allScopes.split(' ').filter((one) => one !== scope)
    const auth = `Bearer ${await api.issuer.token('ann', others.join(' '))}`
    const answer = await api.ask(`/v1/tasks/${api.victim}${place}`, { ...how, auth })
    expect(answer.status).toBe(403)
    expect(answer.headers.get('www-authenticate')).toBe(`Bearer error="insufficient_scope", scope="${scope}"`)
    expect(await api.state()).toBe(before)
  })
})

/** The only scope of a token, and a command that takes another one. */
const other: readonly (readonly [string, Asked, string])[] = [
  ['tasks:read', command({ type: 'steer', patch: [{ op: 'remove', path: '/of' }] }), 'tasks:steer'],
  ['tasks:cancel', command({ type: 'interrupt' }), 'tasks:steer'],
  ['tasks:topup', command({ type: 'resume' }), 'tasks:steer'],
  ['tasks:steer', command({ type: 'top_up', credits: 1 }), 'tasks:topup'],
  ['tasks:submit', command({ type: 'top_up', credits: 1 }), 'tasks:topup'],
  ['tools:search', command({ type: 'interrupt' }), 'tasks:steer'],
]

test.each(other)(
  'a command under %s alone is forbidden, of one’s own task too (case %#)',
  async (scope, how, missing) => {
    const before = await api.state()
    const auth = `Bearer ${await api.issuer.token('ann', scope)}`
    const answer = await api.ask(`/v1/tasks/${api.victim}/commands`, { ...how, auth })
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([
      403,
      `Bearer error="insufficient_scope", scope="${missing}"`,
    ])
    expect(await api.state()).toBe(before)
  },
)

test.each(['%74ask_', 'task%5F', '%74%61%73%6B%5F'])('a foreign id is foreign in any spelling: %s', async (spelt) => {
  const before = await api.state()
  const auth = `Bearer ${await api.issuer.token('bob', allScopes)}`
  const id = api.victim.replace('task_', spelt)
  const statuses = [
    (await api.ask(`/v1/tasks/${id}`, { auth })).status,
    (await api.ask(`/v1/tasks/${id}/events`, { auth })).status,
    (await api.ask(`/v1/tasks/${id}:cancel`, { method: 'POST', auth })).status,
    (await api.ask(`/v1/tasks/${id}%3Acancel`, { method: 'POST', auth })).status,
  ]
  expect(statuses).toEqual([404, 404, 404, 404])
  expect(await api.state()).toBe(before)
})

/** Scopes and tools of a submission; the last is what is missing. */
const shortOf: readonly (readonly [string, unknown, object, string])[] = [
  ['no scope of ours', 'openid profile', {}, 'tasks:submit'],
  ['no scope claim', undefined, {}, 'tasks:submit'],
  ['a list instead of words', ['tasks:submit'], {}, 'tasks:submit'],
  ['all scopes in one word', 'tasks:*', {}, 'tasks:submit'],
  ['in capitals', 'TASKS:SUBMIT', {}, 'tasks:submit'],
  ['with commas', 'tasks:read,tasks:submit', {}, 'tasks:submit'],
  ['a tool that it has not', 'tasks:submit tools:search', { tools: ['draft'] }, 'tools:draft'],
  ['one of two tools', 'tasks:submit tools:search', { tools: ['search', 'draft'] }, 'tools:draft'],
  ['a tool that there is not', 'tasks:submit tools:search', { tools: ['no-such-tool'] }, 'tools:no-such-tool'],
  ['a star for all tools', 'tasks:submit tools:*', { tools: ['search'] }, 'tools:search'],
  ['a tool in other capitals', 'tasks:submit tools:Search', { tools: ['search'] }, 'tools:search'],
  ['no tools', 'tasks:submit', { tools: ['search'] }, 'tools:search'],
]

test.each(shortOf)('a submission with %s is forbidden', async (_, scope, more, missing) => {
  const before = await api.state()
  const auth = `Bearer ${await signed({ scope })}`
  const answer = await api.ask('/v1/tasks', submission('short', auth, more))
  expect(answer.status).toBe(403)
  expect(answer.headers.get('www-authenticate')).toBe(`Bearer error="insufficient_scope", scope="${missing}"`)
  const { type } = (await answer.json()) as { type: string }
  expect(problemKind(type)).toBe('forbidden')
  expect(await api.state()).toBe(before)
})

test.each([[['*']], [['']], [['a b']], [['"']], ['search'], [[1]], [Array(65).fill('a')]])(
  'tools that are none are not valid: %j',
  async (tools) => {
    const before = await api.state()
    const answer = await api.ask('/v1/tasks', submission('tools', `Bearer ${operatorToken}`, { tools }))
    expect(answer.status).toBe(400)
    expect(await api.state()).toBe(before)
  },
)
