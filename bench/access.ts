/**
 * What it costs a submission that callers are told apart: acceptance with the operator's token alone, and with JWTs, a rate
 * limit and grants. Both systems stand side by side and are asked in turns, as fast as they answer (closed loop,
 * autocannon), so that a disturbance of one soon disturbs the other. What counts is the ratio of a round.
 *
 * usage: node bench/access.ts [--rounds 8] [--seconds 2] [--connections 20]
 */
import { parseArgs } from 'node:util'
import autocannon from 'autocannon'
import { quantile } from '../harness/stats/quantiles.ts'
import runtime from '../harness/runtimes/process.ts'
import { allScopes, openIssuer } from '../test/support/issuer.ts'
import { openBenchRun } from './bench-run.ts'
import { type BenchSystem, openBenchSystem, submission, token } from './system.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '8' },
    seconds: { type: 'string', default: '2' },
    connections: { type: 'string', default: '20' },
  },
})
const [rounds, duration, connections] = [Number(values.rounds), Number(values.seconds), Number(values.connections)]
using issuer = await openIssuer()
const { jwksFile, issuer: by, audience } = issuer.settings
const guarded = {
  OUTLAST_JWKS_FILE: jwksFile,
  OUTLAST_JWT_ISSUER: by,
  OUTLAST_JWT_AUDIENCE: audience,
  OUTLAST_GRANT_KEY: 'a-secret-for-the-benchmark-alone',
  // Never reached: what is measured is the bucket, not the refusal.
  OUTLAST_RATE: '999999/s',
}
const tokens = await Promise.all(
  Array.from({ length: 100 }, (_, i) =>
    issuer.token(`principal-${i}`, `${allScopes} tools:search tools:draft`, {
      exp: Math.floor(Date.now() / 1000) + 86_400,
    }),
  ),
)
await using benchRun = await openBenchRun([runtime])
console.log(
  '| pattern | submits/s, one token | submits/s, JWTs, limit and grants | ratio of a round: median [least, most] |',
)
console.log('|---|---|---|---|')
for (const pattern of ['polling', 'durable-postgres']) await compare(pattern)

async function compare(pattern: string): Promise<void> {
  const spec = { runtime, pattern, timeScale: 1, temp: benchRun.temp }
  await using plain = await openBenchSystem({ ...spec, name: `${pattern}-plain` })
  await using controlled = await openBenchSystem({ ...spec, name: `${pattern}-controlled`, env: guarded })
  const ask = { plain: () => submitsPerS(plain, [token]), controlled: () => submitsPerS(controlled, tokens) }
  await ask.plain()
  await ask.controlled()
  const found: { plain: number; controlled: number }[] = []
  for (let round = 0; round < rounds; round++) {
    const first = round % 2 === 0 ? await ask.plain() : undefined
    const second = await ask.controlled()
    found.push({ plain: first ?? (await ask.plain()), controlled: second })
  }
  const ratios = found.map((one) => one.controlled / one.plain).toSorted((a, b) => a - b)
  const median = (all: readonly number[]): number => quantile(all, 0.5)!
  const each = [median(found.map((one) => one.plain)), median(found.map((one) => one.controlled))].map(Math.round)
  const spread = [median(ratios), ratios[0]!, ratios.at(-1)!].map((ratio) => ratio.toFixed(2))
  console.log(`| ${pattern} | ${each[0]} | ${each[1]} | ${spread[0]} [${spread[1]}, ${spread[2]}] |`)
}

let n = 0

/** Throws where anything but acceptance was answered: a refusal is faster than what it refuses. */
async function submitsPerS({ apiLinkUrl }: BenchSystem, bearers: readonly string[]): Promise<number> {
  const setupRequest = (request: autocannon.Request): autocannon.Request => {
    const seed = ++n
    return { ...request, ...submission(`bench-${seed}`, seed, bearers[seed % bearers.length]) }
  }
  const requests = [{ method: 'POST' as const, path: '/v1/tasks', setupRequest }]
  const result = await autocannon({ url: apiLinkUrl, duration, connections, requests })
  const accepted = result.statusCodeStats?.['202']?.count ?? 0
  const others = result['1xx'] + result['2xx'] + result['3xx'] + result['4xx'] + result['5xx'] - accepted
  if (others + result.errors + result.timeouts > 0) throw new Error(`${others} other answers, ${result.errors} errors`)
  return accepted / result.duration
}
