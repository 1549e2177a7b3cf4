/**
 * How often a gate is red for nothing: one service that nobody changed goes through the preset `pr` again and again, each
 * time with another draw of work. A run that this machine starved is INVALID and says nothing; it is done again.
 *
 * usage: npm run test:alarms [-- --scenario FILE --runs 100 --lanes 1 --burners 0 --write FILE]
 *
 * Exits with 1 where more than one run in a hundred was FAIL, or any of them beside burners.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { openBenchRun } from '../bench/bench-run.ts'
import { exitCodes } from '../harness/core/errors.ts'
import { clopperPearson } from '../harness/stats/intervals.ts'
import { outlast } from './support/outlast.ts'
import { writePart } from './support/page-part.ts'

const { values } = parseArgs({
  options: {
    scenario: { type: 'string', default: 'examples/own-service/python/outlast.yaml' },
    runs: { type: 'string', default: '100' },
    lanes: { type: 'string', default: '1' },
    burners: { type: 'string', default: '0' },
    write: { type: 'string' },
  },
})
const [wanted, burners] = [Number(values.runs), Number(values.burners)]
const names = new Map<number, string>([
  [exitCodes.pass, 'PASS'],
  [exitCodes.fail, 'FAIL'],
  [exitCodes.inconclusive, 'INCONCLUSIVE'],
  [exitCodes.invalid, 'INVALID'],
])
// Killed, it takes the runs with it.
await using bench = await openBenchRun()
for (let burner = 0; burner < burners; burner++) new Worker('for (;;);', { eval: true }).unref()
const counts = new Map<string, number>()
const startedAt = performance.now()
let seed = 0
await Promise.all(Array.from({ length: Number(values.lanes) }, runUntilDone))
const page = describeCounts()
console.log(`\n${page}`)
if (values.write !== undefined) writePart(values.write, burners > 0 ? 'alarms beside burners' : 'alarms', page)
const alarms = countOf('FAIL')
process.exitCode = alarms > (burners > 0 ? 0 : wanted / 100) ? 1 : 0

/** Beside burners an INVALID run is the answer; without them it is none. */
async function runUntilDone(): Promise<void> {
  while (spoken() < wanted && seed < 2 * wanted) await runOnce(++seed)
}

async function runOnce(seed: number): Promise<void> {
  const out = await mkdtemp(join(bench.temp, 'alarm-'))
  const { code, stdout, stderr } = await outlast(
    ['run', values.scenario, '--preset', 'pr', '--seed', String(seed), '--out', out, '--quiet'],
    bench.temp,
  )
  const verdict = names.get(code ?? -1)
  if (verdict === undefined) throw new Error(`seed ${seed} ended with ${code}: ${stdout}${stderr}`)
  counts.set(verdict, countOf(verdict) + 1)
  console.log(`${spoken()}/${wanted} seed ${seed}: ${verdict}`)
  if (verdict === 'FAIL') console.log(stdout)
  await rm(out, { recursive: true, force: true, maxRetries: 5 })
}

function countOf(verdict: string): number {
  return counts.get(verdict) ?? 0
}

/** Runs that said something of the service. */
function spoken(): number {
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0)
  return burners > 0 ? all : all - countOf('INVALID')
}

function describeCounts(): string {
  const alarms = countOf('FAIL')
  const [low, high] = clopperPearson(alarms, spoken()).map((share) => `${(100 * share).toFixed(1)} %`)
  const tally = [...names.values()].map((name) => `${countOf(name)} ${name}`).join(', ')
  const minutes = Math.round((performance.now() - startedAt) / 60_000)
  const beside = burners > 0 ? ` beside ${burners} busy threads` : ''
  return (
    `${new Date().toISOString().slice(0, 10)}, \`${values.scenario}\` with the preset \`pr\`${beside}, seeds 1 to ${seed}, ${minutes} minutes:\n` +
    `${tally}.\nFalse alarms: ${alarms} of ${spoken()}, a rate of ${low} to ${high} (Clopper-Pearson, 95 %).`
  )
}
