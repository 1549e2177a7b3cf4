/**
 * What it costs a submission that callers are told apart: acceptance with the operator's token alone, and with JWTs, a rate
 * limit and grants. Both systems stand side by side and are asked in turns, as fast as they answer (closed loop,
 * autocannon), so that a disturbance of one soon disturbs the other. What counts is the ratio within a round.
 *
 * usage: node bench/access.ts [--rounds 12] [--seconds 2] [--connections 20]
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import autocannon from 'autocannon'
import { quantile, quantileInterval } from '../harness/stats/quantiles.ts'
import runtime from '../harness/runtimes/process.ts'
import { allScopes, openIssuer } from '../test/support/issuer.ts'
import { openBenchRun } from './bench-run.ts'
import { type BenchSystem, openBenchSystem, submission, token } from './system.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '12' },
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
/** Submissions so far: no key comes twice. */
let n = 0
await using benchRun = await openBenchRun([runtime])
console.log(
  '| pattern | submits/s, one token | CPU µs each | submits/s, JWTs, limit, grants | CPU µs each | of the first: submits/s | CPU |',
)
console.log('|---|---|---|---|---|---|---|')
for (const pattern of ['polling', 'durable-postgres']) await compare(pattern)

async function compare(pattern: string): Promise<void> {
  const spec = { runtime, pattern, timeScale: 1, temp: benchRun.temp }
  await using plain = await openBenchSystem({ ...spec, name: `${pattern}-plain` })
  await using controlled = await openBenchSystem({ ...spec, name: `${pattern}-controlled`, env: guarded })
  const ask = [() => accept(plain, [token]), () => accept(controlled, tokens)] as const
  const found: (readonly [Accepted, Accepted])[] = []
  // The first round warms up.
  for (let round = 0; round <= rounds; round++) {
    const [a, b] = round % 2 === 0 ? ask : ask.toReversed()
    const pair = [await a!(), await b!()]
    found.push((round % 2 === 0 ? pair : pair.toReversed()) as [Accepted, Accepted])
  }
  const counted = found.slice(1)
  const columns = [0, 1].flatMap((i) => [
    median(counted.map((pair) => pair[i]!.perS)).toFixed(0),
    median(counted.map((pair) => pair[i]!.cpuUs)).toFixed(0),
  ])
  const shares = [
    describe(counted.map(([one, other]) => other.perS / one.perS)),
    describe(counted.map(([one, other]) => one.cpuUs / other.cpuUs)),
  ]
  console.log(`| ${[pattern, ...columns, ...shares].join(' | ')} |`)
}

function median(all: readonly number[]): number {
  return quantile(all, 0.5)!
}

/** `0.93 [0.90, 0.97]`: the median with its distribution-free 95 % interval. */
function describe(ratios: readonly number[]): string {
  const interval = quantileInterval(ratios, 0.5)
    ?.map((ratio) => ratio.toFixed(2))
    .join(', ')
  return `${median(ratios).toFixed(2)} [${interval ?? 'too few'}]`
}

interface Accepted {
  readonly perS: number
  /** Of the API node. On a busy machine it says more than the time on a clock does. */
  readonly cpuUs: number
}

/** Throws where anything but acceptance was answered: a refusal is faster than what it refuses. */
async function accept({ apiLinkUrl, nodes }: BenchSystem, bearers: readonly string[]): Promise<Accepted> {
  const setupRequest = (request: autocannon.Request): autocannon.Request => {
    const seed = ++n
    return { ...request, ...submission(`bench-${seed}`, seed, bearers[seed % bearers.length]) }
  }
  const requests = [{ method: 'POST' as const, path: '/v1/tasks', setupRequest }]
  const { pid } = nodes.find(({ role }) => role === 'api')!
  const before = cpuUsOf(pid!)
  const result = await autocannon({ url: apiLinkUrl, duration, connections, requests })
  const accepted = result.statusCodeStats?.['202']?.count ?? 0
  const others = result['1xx'] + result['2xx'] + result['3xx'] + result['4xx'] + result['5xx'] - accepted
  if (others + result.errors + result.timeouts > 0) throw new Error(`${others} other answers, ${result.errors} errors`)
  return { perS: accepted / result.duration, cpuUs: (cpuUsOf(pid!) - before) / accepted }
}

/** As proc(5) has it: user and system time, in ticks of 10 ms. */
function cpuUsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}
