import { describe, expect, test } from 'vitest'
import { discover } from '../../../harness/core/discover.ts'
import { expiryMarginMs } from '../../../harness/faults/_kit/link-fault.ts'
import type { Link, ToxicSpec } from '../../../harness/model/link.ts'
import type { Fault } from '../../../harness/model/fault.ts'
import { fakeLink, type FakeLink, never, siteOf } from './fakes.ts'

const faults = await discover<Fault>(new URL('../../../harness/faults/', import.meta.url))
/** Those in the way of callbacks have tests of their own. */
const linkFaults = [...faults.values()].filter(({ acts, needs }) => acts === 'link' && !needs.includes('callbacks'))
/** The least that each needs, where it has no default. */
const required: Readonly<Record<string, object>> = { latency: { delayMs: 12.4, jitterMs: 3.6 } }

test('the faults of a link are these', () => {
  expect(linkFaults.map(({ name }) => name)).toEqual([
    'drop',
    'edge',
    'idle-nat',
    'idle-timeout',
    'latency',
    'receiver-down',
    'receiver-slow',
    'refuse',
    'reject',
    'reset',
    'response-lost',
    'stall',
  ])
})

describe.each(linkFaults)('$name', (fault) => {
  const params = fault.params.parse(required[fault.name] ?? {})
  const arm = (links: readonly ReturnType<typeof fakeLink>[], signal = never) =>
    fault.arm(siteOf([], links), params, signal)

  test('is armed on every link of the site and read back', async () => {
    const links = [fakeLink('client->api-0'), fakeLink('client->api-1')]
    const active = await arm(links)
    const names = links.flatMap(({ name, marks }) => [...marks.keys()].map((mark) => `${name} ${mark}`))
    expect(active.evidence).toEqual({ listed: names })
    expect(names.length).toBeGreaterThanOrEqual(2)
  })
  test('gives names that fit in a URL and in the kernel, shares as they are and else whole numbers only', async () => {
    const link = fakeLink('client->api-0')
    await arm([link])
    for (const mark of link.marks.values()) {
      expect(mark.name).toMatch(/^it-1-1(-(up|down)stream)?$/)
      if ('toxicity' in mark) expect(mark.toxicity).toBe(1)
      if ('probability' in mark) expect(mark.probability).toBe(1)
      const numbers = Object.values({ ...mark, ...('attributes' in mark && mark.attributes) })
      for (const value of numbers) if (typeof value === 'number') expect(value % 1).toBe(0)
    }
  })
  test('is proven by firings, unexercised without one, lost when no longer listed', async () => {
    const link = fakeLink('client->api-0')
    const active = await arm([link])
    expect(await active.prove()).toMatchObject({ state: 'unexercised', firings: 0 })
    link.firings = 3
    expect(await active.prove()).toMatchObject({ state: 'proven', firings: 3 * link.marks.size })
    link.marks.clear()
    expect(await active.prove()).toMatchObject({ state: 'lost', evidence: { missing: expect.any(Array) } })
  })
  test('is not proven by a proxy that cannot count', async () => {
    const link = fakeLink('client->api-0')
    const active = await arm([link])
    link.firings = undefined
    const proof = await active.prove()
    expect(proof.state).toBe('unexercised')
    expect(proof).not.toHaveProperty('firings')
  })
  test('heals, and a second time without complaint', async () => {
    const link = fakeLink('client->api-0')
    const active = await arm([link])
    await active.heal()
    expect(link.marks.size).toBe(0)
    await active.heal()
  })
  test('with a stubbed actuator is not applied', async () => {
    await expect(arm([fakeLink('client->api-0', { ignores: true })])).rejects.toThrow(
      /^client->api-0 it-1-1.* was acknowledged but is not there$/,
    )
  })
  test('is partly when one of its links fails, on the others it holds to the end', async () => {
    const first = fakeLink('client->api-0')
    const active = await arm([first, fakeLink('client->api-1', { fails: '500' })])
    expect(first.marks.size).toBeGreaterThan(0)
    first.firings = 1
    expect(await active.prove()).toMatchObject({ state: 'partly', reached: ['client->api-0'] })
    await active.heal()
    expect(first.marks.size).toBe(0)
  })
  test('is not applied when all of its links fail', async () => {
    await expect(arm(['0', '1'].map((n) => fakeLink(`client->api-${n}`, { fails: '500' })))).rejects.toThrow('500')
  })
  test('is felt link by link: one on which nobody did does not count', async () => {
    const busy = fakeLink('client->api-0')
    const active = await arm([busy, fakeLink('client->api-1')])
    busy.firings = 2
    const felt = { 'client->api-0': 'felt', 'client->api-1': 'quiet' }
    expect(await active.prove()).toMatchObject({ state: 'proven', evidence: { felt } })
    busy.firings = 0
    expect(await active.prove()).toMatchObject({ state: 'unexercised' })
  })
  test('that is gone from one of two links is partly', async () => {
    const [first, second] = [fakeLink('client->api-0'), fakeLink('client->api-1')]
    const active = await arm([first, second])
    first.firings = 1
    second.marks.clear()
    expect(await active.prove()).toMatchObject({ state: 'partly', evidence: { missing: expect.any(Array) as unknown } })
  })
  test('aborted while arming leaves nothing', async () => {
    const abort = new AbortController()
    const link = fakeLink('client->api-0')
    const slow: FakeLink = {
      ...link,
      impair: (...given) => (abort.abort(), link.impair(...given)),
      filter: (...given) => (abort.abort(), link.filter!(...given)),
      limit: (...given) => (abort.abort(), link.limit!(...given)),
    }
    await expect(arm([slow], abort.signal)).rejects.toThrow('aborted')
    expect(link.marks.size).toBe(0)
  })
  test('without a link is not applied', async () => {
    await expect(arm([])).rejects.toThrow('there is no link to impair')
  })
})

test.each([
  ['stall', {}, ['stall', 'stall'], {}],
  ['reset', { afterMs: 0.2 }, ['reset_peer'], { timeout: 1 }],
  ['reset', {}, ['reset_peer'], { timeout: 0 }],
  ['latency', { delayMs: 0.3 }, ['latency'], { latency: 1, jitter: 0 }],
  ['idle-timeout', { idleMs: 1000, mode: 'reset' }, ['idle_timeout'], { idle: 1000, mode: 'reset' }],
  ['receiver-down', {}, ['refuse'], { existing: 'keep' }],
  ['receiver-down', { mode: 'silent' }, ['stall'], {}],
  ['receiver-slow', { delayMs: 333.3 }, ['latency'], { latency: 333, jitter: 0 }],
])('%s with %o is %j %o', async (name, given, types, attributes) => {
  const fault = faults.get(name)!
  const link = fakeLink('sender->receiver-0')
  await fault.arm(siteOf([], [link]), fault.params.parse(given), never)
  const toxics = [...link.marks.values()] as ToxicSpec[]
  expect(toxics.map(({ type }) => type)).toEqual(types)
  expect(toxics[0]!.attributes).toEqual(attributes)
})

test('the probability of a delivery becomes the toxicity of one toxic, so that it is drawn once', async () => {
  for (const mode of ['refused', 'silent']) {
    const fault = faults.get('receiver-down')!
    const link = fakeLink('sender->receiver-0')
    await fault.arm(siteOf([], [link]), fault.params.parse({ mode, probability: 0.062 }), never)
    const toxics = [...link.marks.values()] as ToxicSpec[]
    expect(toxics.map(({ toxicity }) => toxicity)).toEqual([0.062])
  }
})

/** Until some time after its window, with the seed of the firing: what the kernel does is then the same in every run. */
const lease = { name: 'it-1-1', seed: 7, expiresMs: 1000 + expiryMarginMs }
const everything = { direction: 'both', connections: 'all', probability: 1 }
const filters: readonly [string, object, object][] = [
  ['drop', {}, { ...lease, ...everything, action: 'drop' }],
  [
    'drop',
    { direction: 'response', connections: 'new', probability: 0.2 },
    { ...lease, action: 'drop', direction: 'response', connections: 'new', probability: 0.2 },
  ],
  ['reject', {}, { ...lease, ...everything, action: 'reset' }],
  ['reject', { with: 'unreachable' }, { ...lease, ...everything, action: 'unreachable' }],
  ['idle-nat', { idleMs: 999.6 }, { ...lease, ...everything, action: 'drop', idleMs: 1000 }],
  ['idle-nat', { idleMs: 0.2, mode: 'reset' }, { ...lease, ...everything, action: 'reset', idleMs: 1 }],
  ['edge', { idleMs: 500.4 }, { name: 'it-1-1', idleMs: 500, buffering: false }],
  ['edge', { buffering: true }, { name: 'it-1-1', idleMs: 60_000, buffering: true }],
]
test.each(filters)('%s with %o asks for %o', async (name, given, mark) => {
  const fault = faults.get(name)!
  const link = fakeLink('client->api-0')
  await fault.arm(siteOf([], [link]), fault.params.parse(given), never)
  expect([...link.marks.values()]).toEqual([mark])
})

test.each([
  ['drop', 'filter'],
  ['edge', 'limit'],
] as const)('%s on a link that has no %s is not applied', async (name, act) => {
  const fault = faults.get(name)!
  const { [act]: _, ...rest } = fakeLink('client->api-0')
  await expect(fault.arm(siteOf([], [rest]), fault.params.parse({}), never)).rejects.toThrow(
    'client->api-0 does not pass where this could be done to it',
  )
})

test('what was read back when it was armed, and what can be counted beside firings, is evidence', async () => {
  const fault = faults.get('drop')!
  const link = fakeLink('client->api-0')
  const filter: Link['filter'] = async (...given) => ({
    ...(await link.filter!(...given)),
    evidence: { probe: 'no answer' },
    counts: async () => ({ bytes: 90 }),
  })
  link.firings = 2
  const active = await fault.arm(siteOf([], [{ ...link, filter }]), fault.params.parse({}), never)
  expect(active.evidence).toMatchObject({ readBack: { 'client->api-0 it-1-1': { probe: 'no answer' } } })
  expect(await active.prove()).toMatchObject({
    state: 'proven',
    evidence: { counted: { 'client->api-0 it-1-1': { bytes: 90 } } },
  })
})
