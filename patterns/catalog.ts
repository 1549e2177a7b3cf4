import type { Delivery } from './contract/types/delivery.ts'
import type { Engine } from './contract/types/engine.ts'
import { keptByBoth, type Promised } from './contract/types/promises.ts'
import type { Tuning } from './contract/types/timeouts.ts'

/** A pattern by name: which delivery over which engine. */
export interface Named {
  readonly name: string
  readonly delivery: string
  readonly engine: string
  readonly summary: string
}

/** The named patterns, the article's first. Any other pair is `delivery+engine`; `@tuned` after either tunes its engine. */
export const catalog: readonly Named[] = [
  { name: 'webhook', delivery: 'webhook', engine: 'memory', summary: 'the article’s Simple Webhook' },
  { name: 'sse-polling', delivery: 'sse-polling', engine: 'memory', summary: 'the article’s SSE + Polling Fallback' },
  { name: 'sync', delivery: 'sync', engine: 'memory', summary: 'one held request: the pattern that collapsed' },
  {
    name: 'webhook-retry',
    delivery: 'webhook-retry',
    engine: 'memory',
    summary: 'signed callbacks until one is accepted, and a poll for what never came',
  },
  { name: 'polling', delivery: 'polling', engine: 'memory', summary: 'HTTP 202 and a status resource' },
  { name: 'sse', delivery: 'sse', engine: 'memory', summary: 'an event stream that resumes, without a fallback' },
  { name: 'websocket', delivery: 'websocket', engine: 'memory', summary: 'a socket that resumes, without a fallback' },
  { name: 'queue-retry', delivery: 'polling', engine: 'queue', summary: 'the article’s manual retries: a job queue' },
  {
    name: 'durable-postgres',
    delivery: 'sse-polling',
    engine: 'postgres',
    summary: 'a journal and leases in PostgreSQL',
  },
  {
    name: 'durable-dbos',
    delivery: 'sse-polling',
    engine: 'dbos',
    summary: 'durable execution by the DBOS library, as it ships',
  },
  { name: 'durable-restate', delivery: 'sse-polling', engine: 'restate', summary: 'durable execution by Restate' },
  { name: 'durable-temporal', delivery: 'sse-polling', engine: 'temporal', summary: 'durable execution by Temporal' },
]

export interface Pattern {
  readonly name: string
  readonly summary: string
  readonly delivery: Delivery
  readonly engine: Engine
  readonly tuning: Tuning
  /** What both axes promise: a pattern can promise no more. */
  readonly promises: readonly Promised[]
}

/**
 * The pattern of a name in the catalog, or of a pair `delivery+engine`; with `@tuned` its engine's timeouts are tuned.
 * Throws RangeError, saying what is known, for anything else.
 */
export function resolvePattern(
  name: string,
  deliveries: ReadonlyMap<string, Delivery>,
  engines: ReadonlyMap<string, Engine>,
): Pattern {
  const { base, tuning } = splitTuning(name)
  const named = catalog.find((pattern) => pattern.name === base) ?? pair(base)
  const delivery = named && deliveries.get(named.delivery)
  const engine = named && engines.get(named.engine)
  if (!delivery || !engine) throw new RangeError(`unknown pattern "${name}"; ${known(deliveries, engines)}`)
  if (tuning === 'tuned' && Object.keys(engine.timeouts).length === 0)
    throw new RangeError(`the engine ${engine.name} of "${name}" has nothing to tune; leave @tuned out`)
  const promises = keptByBoth(delivery, engine)
  return { name, summary: named.summary, delivery, engine, tuning, promises }
}

function splitTuning(name: string): { readonly base: string; readonly tuning: Tuning } {
  const tuned = name.endsWith('@tuned')
  return { base: tuned ? name.slice(0, -'@tuned'.length) : name, tuning: tuned ? 'tuned' : 'default' }
}

function pair(name: string): Named | undefined {
  const [delivery, engine, ...more] = name.split('+')
  if (!delivery || !engine || more.length > 0) return undefined
  return { name, delivery, engine, summary: `${delivery} over ${engine}` }
}

function known(deliveries: ReadonlyMap<string, Delivery>, engines: ReadonlyMap<string, Engine>): string {
  const names = catalog.filter((p) => deliveries.has(p.delivery) && engines.has(p.engine)).map((p) => p.name)
  const axes = [deliveries, engines].map((axis) => `{${[...axis.keys()].join('|')}}`)
  return `known: ${names.join(', ')}, or a pair ${axes.join('+')}; with @tuned the engine's timeouts are tuned`
}
