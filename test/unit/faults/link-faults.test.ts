import { describe, expect, test } from 'vitest'
import { discover } from '../../../harness/core/discover.ts'
import type { Fault } from '../../../harness/core/types.ts'
import { fakeLink, never, siteOf } from './fakes.ts'

const faults = await discover<Fault>(new URL('../../../harness/faults/', import.meta.url))
const linkFaults = [...faults.values()].filter(({ acts }) => acts === 'link')
/** The least that each needs, where it has no default. */
const required: Readonly<Record<string, object>> = { latency: { delayMs: 12.4, jitterMs: 3.6 } }

test('the faults of a link are these', () => {
  expect(linkFaults.map(({ name }) => name)).toEqual([
    'idle-timeout',
    'latency',
    'receiver-down',
    'receiver-slow',
    'refuse',
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
    const names = links.flatMap(({ name, toxics }) => [...toxics.keys()].map((toxic) => `${name} ${toxic}`))
    expect(active.evidence).toEqual({ listed: names })
    expect(names.length).toBeGreaterThanOrEqual(2)
  })
  test('gives Toxiproxy names that fit in a URL and whole numbers only', async () => {
    const link = fakeLink('client->api-0')
    await arm([link])
    for (const { name, attributes, toxicity } of link.toxics.values()) {
      expect(name).toMatch(/^it-1-1-(up|down)stream$/)
      expect(toxicity).toBe(1)
      for (const value of Object.values(attributes)) if (typeof value === 'number') expect(value % 1).toBe(0)
    }
  })
  test('is proven by firings, unexercised without one, lost when no longer listed', async () => {
    const link = fakeLink('client->api-0')
    const active = await arm([link])
    expect(await active.prove()).toMatchObject({ state: 'unexercised', firings: 0 })
    link.firings = 3
    expect(await active.prove()).toMatchObject({ state: 'proven', firings: 3 * link.toxics.size })
    link.toxics.clear()
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
    expect(link.toxics.size).toBe(0)
    await active.heal()
  })
  test('with a stubbed actuator is not applied', async () => {
    await expect(arm([fakeLink('client->api-0', { ignores: true })])).rejects.toThrow(
      /acknowledged client->api-0 it-1-1-.* but does not list it/,
    )
  })
  test('leaves nothing when one of its links fails', async () => {
    const first = fakeLink('client->api-0')
    await expect(arm([first, fakeLink('client->api-1', { fails: '500' })])).rejects.toThrow('500')
    expect(first.toxics.size).toBe(0)
  })
  test('aborted while arming leaves nothing', async () => {
    const abort = new AbortController()
    const link = fakeLink('client->api-0')
    const { impair } = link
    const slow = { ...link, impair: (toxic: Parameters<typeof impair>[0]) => (abort.abort(), impair(toxic)) }
    await expect(arm([slow], abort.signal)).rejects.toThrow('aborted')
    expect(link.toxics.size).toBe(0)
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
  const toxics = [...link.toxics.values()]
  expect(toxics.map(({ type }) => type)).toEqual(types)
  expect(toxics[0]!.attributes).toEqual(attributes)
})

test('the probability of a delivery becomes the toxicity of one toxic, so that it is drawn once', async () => {
  for (const mode of ['refused', 'silent']) {
    const fault = faults.get('receiver-down')!
    const link = fakeLink('sender->receiver-0')
    await fault.arm(siteOf([], [link]), fault.params.parse({ mode, probability: 0.062 }), never)
    expect([...link.toxics.values()].map(({ toxicity }) => toxicity)).toEqual([0.062])
  }
})
