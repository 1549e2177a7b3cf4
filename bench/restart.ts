/**
 * How much longer than planned a killed node of the process runtime is away: from the moment when it may come back until it
 * is ready, started from nothing and as a spare, in turns.
 *
 * usage: node bench/restart.ts [--patterns polling,durable-postgres] [--times 9]
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { monotonicMs } from '../patterns/contract/types/timer.ts'
import type { NodeRole } from '../patterns/contract/types/engine.ts'
import runtime from '../harness/runtimes/process.ts'
import { quantile } from '../harness/stats/quantiles.ts'
import { openBenchRun } from './bench-run.ts'
import { openBenchSystem, type BenchSystem } from './system.ts'

const { values } = parseArgs({
  options: {
    patterns: { type: 'string', default: 'polling,durable-postgres' },
    times: { type: 'string', default: '9' },
  },
})
const awayMs = 500
/** Enough for the next spare, also on a busy machine. */
const betweenMs = 2500

await using benchRun = await openBenchRun([runtime])
console.log(
  '| pattern | node | from nothing, median ms | most | spare, median ms | most |\n| - | - | -: | -: | -: | -: |',
)
for (const pattern of values.patterns.split(',')) await measure(pattern)

async function measure(pattern: string): Promise<void> {
  const spec = { runtime, pattern, timeScale: 20, temp: benchRun.temp }
  await using cold = await openBenchSystem({ ...spec, name: `${pattern}-cold` })
  await using warm = await openBenchSystem({ ...spec, name: `${pattern}-warm`, spares: true })
  for (const role of ['api', 'worker'] as const) {
    if (!cold.nodes.some((node) => node.role === role)) continue
    const [fromNothing, asSpare]: [number[], number[]] = [[], []]
    for (let i = 0; i < Number(values.times); i++) {
      fromNothing.push(await timeReturn(cold, role))
      asSpare.push(await timeReturn(warm, role))
    }
    console.log(`| ${pattern} | ${role} | ${describe(fromNothing)} | ${describe(asSpare)} |`)
  }
}

async function timeReturn({ nodes }: BenchSystem, role: NodeRole): Promise<number> {
  const harm = await nodes.find((node) => node.role === role)!.kill()
  await sleep(awayMs)
  const from = monotonicMs()
  await harm.heal()
  const ms = monotonicMs() - from
  await sleep(betweenMs)
  return ms
}

function describe(times: readonly number[]): string {
  return `${quantile(times, 0.5)!.toFixed(0)} | ${Math.max(...times).toFixed(0)}`
}
