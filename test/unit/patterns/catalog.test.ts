import { expect, test } from 'vitest'
import { catalog, resolvePattern } from '../../../patterns/catalog.ts'
import type { Delivery } from '../../../patterns/contract/types/delivery.ts'
import type { Engine } from '../../../patterns/contract/types/engine.ts'

const delivery = (name: string): Delivery => ({
  name,
  summary: name,
  promises: ['idempotency', 'no-phantom', 'stream-continuity'],
  events: true,
  callback: false,
})
const engine = (name: string): Engine => ({
  name,
  summary: name,
  promises: ['no-lost-task', 'no-phantom', 'idempotency'],
  durable: false,
  executor: 'api',
  notifier: 'api',
  sticky: true,
  timeouts: { leaseMs: { default: 60_000, tuned: 5_000, floorMs: 1000, why: '' } },
  services: [],
})
const mapOf = <T extends { name: string }>(...items: T[]) => new Map(items.map((item) => [item.name, item]))
const deliveries = mapOf(
  ...['sync', 'webhook', 'webhook-retry', 'polling', 'sse', 'sse-polling', 'websocket'].map(delivery),
)
const engines = mapOf(...['memory', 'postgres', 'dbos', 'dbos-supervised', 'queue', 'restate', 'temporal'].map(engine))

test('every named pattern resolves, and promises what both axes promise', () => {
  for (const { name, delivery, engine } of catalog) {
    const pattern = resolvePattern(name, deliveries, engines)
    expect([pattern.name, pattern.delivery.name, pattern.engine.name]).toEqual([name, delivery, engine])
    expect(pattern.promises).toEqual(['idempotency', 'no-phantom'])
  }
})

test('any pair is a pattern', () => {
  const { name, delivery, engine } = resolvePattern('webhook+restate', deliveries, engines)
  expect([name, delivery.name, engine.name]).toEqual(['webhook+restate', 'webhook', 'restate'])
})

test.each(['none', 'webhook+none', 'none+memory', 'webhook+memory+more', 'webhook+', ''])('"%s" is not', (name) => {
  expect(() => resolvePattern(name, deliveries, engines)).toThrow(/known: webhook, .*\{sync\|webhook/)
})

test('either may be tuned, where there is something to tune', () => {
  expect(resolvePattern('durable-postgres', deliveries, engines).tuning).toBe('default')
  expect(resolvePattern('durable-postgres@tuned', deliveries, engines)).toMatchObject({
    name: 'durable-postgres@tuned',
    tuning: 'tuned',
    engine: { name: 'postgres' },
  })
  expect(resolvePattern('webhook+restate@tuned', deliveries, engines).tuning).toBe('tuned')
  const still = mapOf({ ...engine('memory'), timeouts: {} })
  expect(() => resolvePattern('polling@tuned', deliveries, still)).toThrow('nothing to tune')
  expect(() => resolvePattern('polling@fast', deliveries, engines)).toThrow('unknown pattern')
})

test('a name whose engine is not there is not offered', () => {
  const attempt = () => resolvePattern('durable-restate', deliveries, mapOf(engine('memory')))
  expect(attempt).toThrow('known: webhook, sse-polling, sync, webhook-retry, polling, sse, websocket, or a pair')
})
