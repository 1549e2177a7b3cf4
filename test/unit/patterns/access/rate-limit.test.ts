import fc from 'fast-check'
import { Hono } from 'hono'
import { expect, test } from 'vitest'
import { limitRate } from '../../../../patterns/contract/server/rate-limit.ts'
import { type Bucket, draw } from '../../../../patterns/contract/server/token-bucket.ts'
import { readSettings } from '../../../../patterns/contract/server/settings.ts'
import { describeProblem, problemKind, type ProblemError } from '../../../../patterns/contract/types/problems.ts'
import type { Rate } from '../../../../patterns/contract/types/settings.ts'
import { openGuardedApi, operatorToken } from './guarded-api.ts'

const rate: Rate = { perSecond: 10, burst: 20 }

/** When of these moments a token was taken. */
function takenOf(moments: readonly number[], limit: Rate): readonly number[] {
  let bucket: Bucket | undefined
  return moments.filter((at) => {
    const drawn = draw(bucket, limit, at)
    bucket = drawn.bucket
    return drawn.isTaken
  })
}

test('as many as the burst are taken at once, and then one for each that comes back', () => {
  expect(takenOf(Array(30).fill(0), rate)).toHaveLength(20)
  expect(takenOf([...Array(30).fill(0), 99, 100, 101, 200], rate).slice(20)).toEqual([100, 200])
})

test('a bucket says what is left, and when there is more', () => {
  const { bucket, ...first } = draw(undefined, rate, 0)
  expect(first).toEqual({ isTaken: true, left: 19, nextMs: 100 })
  expect(draw({ tokens: 0.25, atMs: 0 }, rate, 0)).toMatchObject({ isTaken: false, left: 0, nextMs: 75 })
  expect(draw(bucket, rate, 1e9)).toMatchObject({ isTaken: true, left: 19 })
  expect(draw({ tokens: 0, atMs: 0 }, { perSecond: 1 / 3600, burst: 1 }, 1_800_000).nextMs).toBeCloseTo(1_800_000)
})

test('who waits as long as was said is served, however the fractions fall', () => {
  const rates = fc.record({
    perSecond: fc.double({ min: 1e-3, max: 1e4, noNaN: true }),
    burst: fc.integer({ min: 1, max: 50 }),
  })
  const check = fc.property(rates, fc.double({ min: 0, max: 1e7, noNaN: true }), (limit, from) => {
    let at = from
    let bucket: Bucket | undefined
    for (let i = 0; i < limit.burst + 3; i++) {
      const drawn = draw(bucket, limit, at)
      bucket = drawn.bucket
      if (!drawn.isTaken) at += drawn.nextMs
      if (!drawn.isTaken) expect(draw(bucket, limit, at).isTaken).toBe(true)
    }
  })
  fc.assert(check, { numRuns: 300 })
})

test('no window has more than the burst and what comes back in it', () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 120 })
  const rates = fc.record({ perSecond: fc.constantFrom(0.5, 3, 10, 250), burst: fc.integer({ min: 1, max: 20 }) })
  const check = fc.property(gaps, rates, (steps, limit) => {
    let at = 0
    const taken = takenOf(
      steps.map((step) => (at += step)),
      limit,
    )
    for (const [i, from] of taken.entries())
      for (const [j, to] of taken.entries())
        if (j >= i) expect(j - i + 1).toBeLessThanOrEqual(limit.burst + ((to - from) * limit.perSecond) / 1000 + 1e-6)
  })
  fc.assert(check, { numRuns: 200 })
})

test('a clock that goes back gives nothing', () => {
  const { bucket } = draw({ tokens: 0, atMs: 1000 }, rate, 500)
  expect(bucket).toEqual({ tokens: 0, atMs: 1000 })
  expect(draw(bucket, rate, 1050).isTaken).toBe(false)
})

/** Principals by a header, and a clock of the test's. */
function limited(limit: Rate | undefined) {
  const clock = { ms: 0 }
  const app = new Hono()
  app.onError((error, c) => {
    const { kind } = error as ProblemError
    return c.json(describeProblem(kind), describeProblem(kind).status as 429)
  })
  app.use(async (c, next) => {
    const principal = c.req.header('x-principal')
    if (principal !== undefined) c.set('caller', { principal, scopes: 'all', expiresAt: Infinity, endsAt: Infinity })
    return next()
  })
  app.use(limitRate(limit, () => clock.ms))
  app.get('/', (c) => c.text('done'))
  const ask = (principal?: string) =>
    app.request('/', { headers: principal === undefined ? {} : { 'x-principal': principal } })
  return { clock, ask }
}
const shown = ({ status, headers }: Response) =>
  [
    status,
    ...['RateLimit', 'RateLimit-Policy', 'Retry-After', 'Retry-After-Ms'].map((name) => headers.get(name)),
  ] as const

test('every answer says the limit and what is left; one too many says when to come back', async () => {
  const { clock, ask } = limited({ perSecond: 0.5, burst: 2 })
  const policy = '"requests";q=2;w=4'
  expect(shown(await ask('ann'))).toEqual([200, '"requests";r=1;t=2', policy, null, null])
  clock.ms = 500
  expect(shown(await ask('ann'))).toEqual([200, '"requests";r=0;t=2', policy, null, null])
  expect(shown(await ask('ann'))).toEqual([429, '"requests";r=0;t=2', policy, '2', '1500'])
  clock.ms = 2000
  expect(shown(await ask('ann'))).toEqual([200, '"requests";r=0;t=2', policy, null, null])
})

/** An Item of a List whose value is a String, with parameters that are Integers of at most 15 digits (RFC 9651, 3.1 to 3.3). */
const item = /^"[ !#-[\]-~]*"(;[a-z*][a-z0-9_.*-]*=-?\d{1,15})*$/
const parametersOf = (field: string): readonly string[] => [...field.matchAll(/;([a-z]+)=/g)].map(([, name]) => name!)

test.each([
  ['slow', { perSecond: 1 / 3600, burst: 999_999 }],
  ['fast', { perSecond: 999_999, burst: 1 }],
  ['crooked', { perSecond: 1 / 7, burst: 3 }],
])('a %s limit is said in structured fields, with what the draft requires', async (_, limit) => {
  const { clock, ask } = limited(limit)
  for (const ms of [0, 0, 0.1, 0.3, 1e7]) {
    clock.ms += ms
    const { headers } = await ask('ann')
    const [policy, state] = [headers.get('RateLimit-Policy')!, headers.get('RateLimit')!]
    expect([policy, state]).toEqual([expect.stringMatching(item), expect.stringMatching(item)])
    // `q` and `r` are required, `w` and `t` are seconds. The item of the state has the name of its policy.
    expect([parametersOf(policy), parametersOf(state)[0]]).toEqual([['q', 'w'], 'r'])
    expect(state.split(';')[0]).toBe(policy.split(';')[0])
    const waitS = Number(headers.get('Retry-After') ?? Infinity)
    expect(waitS).toBeGreaterThanOrEqual(Number(/t=(\d+)/.exec(state)?.[1] ?? 0))
  }
})

test('principals do not share, and strangers and simple servers are told of no limit', async () => {
  const { ask } = limited({ perSecond: 1, burst: 1 })
  expect((await ask('ann')).status).toBe(200)
  expect((await ask('ann')).status).toBe(429)
  expect((await ask('bob')).status).toBe(200)
  expect(shown(await ask())).toEqual([200, null, null, null, null])
  expect(shown(await limited(undefined).ask('ann'))).toEqual([200, null, null, null, null])
})

test('thousands of principals are not kept for ever', async () => {
  const { ask } = limited({ perSecond: 1, burst: 1 })
  await ask('first')
  for (let i = 1; i < 10_000; i++) await ask(`p${i}`)
  expect((await ask('first')).status).toBe(429)
  await ask('one more')
  expect([(await ask('first')).status, (await ask('p1')).status]).toEqual([429, 200])
})

test('the API refuses before it reads, and nothing is done', async () => {
  await using api = await openGuardedApi({ rate: { perSecond: 1 / 3600, burst: 3 } })
  const before = await api.state()
  const asked = { auth: api.ann, method: 'POST', headers: { 'idempotency-key': 'k' }, body: {} }
  const answers = []
  for (let i = 0; i < 3; i++) answers.push(await api.ask('/v1/tasks', asked))
  expect(answers.map(({ status }) => status)).toEqual([400, 400, 429])
  const problem = (await answers[2]!.json()) as { type: string; retryable: boolean }
  expect([problemKind(problem.type), problem.retryable]).toEqual(['rate-limited', true])
  expect((await api.ask('/v1/tasks/none', { auth: `Bearer ${operatorToken}` })).status).toBe(404)
  expect((await api.ask('/v1/tasks/none')).headers.has('RateLimit')).toBe(false)
  expect((await api.ask('/healthz')).headers.has('RateLimit')).toBe(false)
  expect(await api.state()).toBe(before)
})

const env = {
  OUTLAST_NODE: 'api-0',
  OUTLAST_PORT: '8080',
  OUTLAST_DELIVERY: 'sse',
  OUTLAST_ENGINE: 'memory',
  OUTLAST_TOKEN: 'a-token-for-tests-only',
}

test.each([
  ['10/s:20', { perSecond: 10, burst: 20 }],
  ['10/s', { perSecond: 10, burst: 10 }],
  ['30/m:5', { perSecond: 0.5, burst: 5 }],
  ['7200/h', { perSecond: 2, burst: 7200 }],
])('%s is a limit', (text, expected) => {
  expect(readSettings({ ...env, OUTLAST_RATE: text }).rate).toEqual(expected)
})

test.each(['', '10', '10/s:', '0/s', '10/s:0', '-1/s', '1.5/s', '10/d', '10 /s', '1e3/s', '10000000/s'])(
  '"%s" is no limit',
  (text) => {
    expect(() => readSettings({ ...env, OUTLAST_RATE: text })).toThrow('OUTLAST_RATE')
  },
)

test('half an issuer is none, and is said beside what else is wrong', () => {
  const whole = { OUTLAST_JWKS_FILE: 'k.json', OUTLAST_JWT_ISSUER: 'i', OUTLAST_JWT_AUDIENCE: 'a' }
  expect(readSettings({ ...env, ...whole }).jwt).toEqual({ jwksFile: 'k.json', issuer: 'i', audience: 'a' })
  for (const name of Object.keys(whole)) {
    expect(() => readSettings({ ...env, ...whole, [name]: undefined })).toThrow('all three, or none')
    expect(() => readSettings({ ...env, ...whole, [name]: undefined, OUTLAST_PORT: 'x' })).toThrow(
      /OUTLAST_PORT.*all three, or none|all three, or none.*OUTLAST_PORT/s,
    )
  }
  expect(() => readSettings({ ...env, OUTLAST_GRANT_KEY: 'short' })).toThrow('OUTLAST_GRANT_KEY')
})
