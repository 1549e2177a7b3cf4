/**
 * What all controls together cost a step: tasks with the operator's token alone, and with JWTs, grants checked by the gateway,
 * a budget that is kept, a balance and both tool rates. Steps are next to nothing in themselves, so that only what surrounds
 * them is measured; those of an agent take seconds. Both systems take turns, and what counts is the ratio within a round.
 *
 * usage: node bench/steps.ts [--rounds 12] [--tasks 100]
 */
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { operator } from '../patterns/contract/types/principal.ts'
import { profileOf } from '../patterns/agent/profiles.ts'
import runtime from '../harness/runtimes/process.ts'
import { openCellIssuer } from '../harness/run/issuer.ts'
import { quantile, quantileInterval } from '../harness/stats/quantiles.ts'
import { openBenchRun } from './bench-run.ts'
import { inTurns } from './in-turns.ts'
import { type BenchSystem, openBenchSystem } from './system.ts'

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '12' }, tasks: { type: 'string', default: '100' } },
})
const [rounds, tasks] = [Number(values.rounds), Number(values.tasks)]
const profile = 'research-write'
const steps = tasks * profileOf(profile)!.steps.length
/** Never reached: what is measured is the bucket, not the wait. */
const rate = '999999/s:999999'
await using benchRun = await openBenchRun([runtime])
console.log('| pattern | steps/s, no control | steps/s, all controls | of the first |')
console.log('|---|---|---|---|')
for (const pattern of ['sse-polling', 'durable-postgres', 'sse-polling+queue-memo']) await compare(pattern)

async function compare(pattern: string): Promise<void> {
  const spec = { runtime, pattern, timeScale: 200, temp: benchRun.temp }
  const issuer = await openCellIssuer(await mkdtemp(join(benchRun.temp, 'issuer-')))
  await using plain = await openBenchSystem({ ...spec, name: `${pattern}-plain` })
  await using controlled = await openBenchSystem({
    ...spec,
    name: `${pattern}-controlled`,
    env: {
      OUTLAST_BALANCES: JSON.stringify({ [operator]: 1e9 }),
      OUTLAST_TOOL_RATE_PER_TASK: rate,
      OUTLAST_TOOL_RATE_PER_PRINCIPAL: rate,
    },
    apiEnv: { ...issuer.apiEnv, OUTLAST_RATE: '999999/s' },
    budget: { credits: 1e6 },
  })
  const [without, all] = (await inTurns(
    rounds,
    [plain, controlled].map((system) => () => timeBatch(system)),
  )) as [readonly number[], readonly number[]]
  const ratios = without.map((ms, i) => ms / all[i]!)
  const interval = quantileInterval(ratios, 0.5)?.map((ratio) => ratio.toFixed(2))
  const [a, b] = [without, all].map((times) => ((1000 * steps) / quantile(times, 0.5)!).toFixed(0))
  console.log(
    `| ${pattern} | ${a} | ${b} | ${quantile(ratios, 0.5)!.toFixed(2)} [${interval?.join(', ') ?? 'too few'}] |`,
  )
}

/** Milliseconds until every task of a batch has its right result. */
async function timeBatch({ runTask }: BenchSystem): Promise<number> {
  const from = performance.now()
  await Promise.all(Array.from({ length: tasks }, () => runTask(profile)))
  return performance.now() - from
}
