import { expect, test } from 'vitest'
import { connectionsWithin, defaultLimits } from '../../../patterns/contract/server/limits.ts'
import { readSettings } from '../../../patterns/contract/server/settings.ts'

const env = {
  OUTLAST_NODE: 'api-0',
  OUTLAST_PORT: '8080',
  OUTLAST_DELIVERY: 'sse',
  OUTLAST_ENGINE: 'memory',
  OUTLAST_TOKEN: 'a-token-for-tests-only',
}

test('limits have defaults, and are what the environment says', () => {
  expect(readSettings(env).limits).toEqual(defaultLimits)
  expect(readSettings({ ...env, OUTLAST_MOST_HELD: '5', OUTLAST_IDLE_TIMEOUT_MS: '1000' }).limits).toEqual({
    ...defaultLimits,
    mostHeld: 5,
    idleTimeoutMs: 1000,
  })
})

test.each(['0', '-1', '1.5', 'many', '', '1e300', '2147483648'])('a limit of "%s" is none', (value) => {
  expect(() => readSettings({ ...env, OUTLAST_SILENCE_TIMEOUT_MS: value })).toThrow('OUTLAST_SILENCE_TIMEOUT_MS')
})

test('no limit is above what a timer can hold, and no client of ours is cut before it gives up', () => {
  for (const limit of Object.values(defaultLimits)) expect(limit).toBeLessThan(2 ** 31)
  expect(defaultLimits.bodyTimeoutMs).toBeGreaterThan(40_000)
})

test('a node keeps descriptors for itself', () => {
  const connections = (descriptors: number) => connectionsWithin(defaultLimits, descriptors)
  expect([connections(1_000_000), connections(1024), connections(256), connections(64)]).toEqual([20_000, 928, 160, 32])
})

test('ports of callbacks are a list of ports and ranges', () => {
  expect(readSettings({ ...env, OUTLAST_WEBHOOK_PORTS: '443,8000-8010' }).webhookPorts).toBe('443,8000-8010')
  for (const ports of ['', 'all', '80-', '80,,443', '1-2-3', '123456'])
    expect(() => readSettings({ ...env, OUTLAST_WEBHOOK_PORTS: ports })).toThrow('OUTLAST_WEBHOOK_PORTS')
})
