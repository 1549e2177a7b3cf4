/**
 * Thousands of odd files, folders and requests. `--seed N` (default: drawn, and printed), `--share 0.05` carries out so much of each part,
 * `--part NAME` only that part or kind of parts, `--case N` one case alone. Exit code 1: something was found.
 */
import { parseArgs } from 'node:util'
import { openBenchRun } from '../../bench/bench-run.ts'
import { discover } from '../../harness/core/discover.ts'
import type { Delivery } from '../../patterns/contract/types/delivery.ts'
import { openCli } from './cli.ts'
import { type Counted, parts, throwAll } from './offline.ts'
import { throwAtServers } from './servers.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    share: { type: 'string', default: '1' },
    part: { type: 'string', default: '' },
    case: { type: 'string' },
    limit: { type: 'string', default: '5000' },
  },
})
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32))
const limitMs = Number(values.limit)
const requests = 2_000
/** Of the requests at the memory engine. */
const postgresShare = 0.1

// Whatever becomes of this process, a reaper ends what it started and removes what it made.
await using bench = await openBenchRun()
const scratch = bench.temp
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))

const startedAt = performance.now()
let found = 0
console.log(`seed ${seed}: npm run test:fuzz -- --seed ${seed} throws all of it again`)

function tell(name: string, { summary, findings }: Counted): void {
  console.log(`${name}: ${summary}; ${findings.length} findings`)
  for (const alike of Map.groupBy(findings, ({ what }) => kindOf(what)).values()) {
    for (const { again, what } of alike.slice(0, 3)) console.log(`  ${what}\n    npm run test:fuzz -- ${again}`)
    if (alike.length > 3) console.log(`  and ${alike.length - 3} more like these`)
  }
  found += findings.length
}

/** What stands before the output and the input, whatever its numbers. */
function kindOf(what: string): string {
  return what.split(/: "| \("/)[0]!.replaceAll(/\d+/g, 'N')
}

function indexesOf(cases: number): readonly number[] {
  if (values.case !== undefined) return [Number(values.case)]
  return Array.from({ length: Math.ceil(cases * Number(values.share)) }, (_, i) => i)
}

/** A part by its name, or all of a kind: `memory`, `postgres`. */
const isWanted = (name: string): boolean => ['', name, name.split('-')[0]].includes(values.part)

{
  using cli = openCli(2, limitMs)
  for (const part of parts.filter(({ name }) => isWanted(name)))
    tell(part.name, await throwAll(part, { seed, indexes: indexesOf(part.cases), width: 2, scratch }, cli))
}
const deliveries = await discover<Delivery>(new URL('../../patterns/deliveries/', import.meta.url), 'delivery')
const servers = { memory: requests, postgres: requests * postgresShare }
for (const [engine, cases] of Object.entries(servers)) {
  const wanted = [...deliveries.keys()].filter((delivery) => isWanted(`${engine}-${delivery}`))
  const order = { seed, indexes: indexesOf(cases), limitMs, scratch }
  const told = (delivery: string, counted: Counted): void => tell(`${engine}-${delivery}`, counted)
  if (wanted.length > 0) await throwAtServers(engine, wanted, order, told)
}

console.log(`${found} findings in ${Math.round((performance.now() - startedAt) / 1000)} s, seed ${seed}`)
process.exitCode = found > 0 ? 1 : 0
