/**
 * Kills drawn over the whole life of a run: every phase, signal, and choice of the processes that a user's command consists of.
 * After each of them nothing may be left: no process, port, folder, shared memory, container, network or volume.
 *
 * usage: npm run test:kill [-- --rounds 180 --docker 20 --suites 6 --seed N --lanes 4 --only PHASE --write FILE]
 *
 * Exits with 1 where anything was left, had no label, or crashed. The same seed draws the same kills.
 */
import { randomInt } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { openBenchRun } from '../../bench/bench-run.ts'
import { createRng } from '../../harness/core/rng.ts'
import docker from '../../harness/runtimes/docker.ts'
import processes from '../../harness/runtimes/process.ts'
import { writePart } from '../support/page-part.ts'
import { drawKills, type Kill, needsClean } from './matrix.ts'
import { carryOut, type Outcome } from './round.ts'
import { drawSuiteKills, killSuite, type SuiteKill, type SuiteOutcome } from './suites.ts'
import { describe, hasFailed, render } from './table.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '180' },
    docker: { type: 'string', default: '20' },
    suites: { type: 'string', default: '6' },
    seed: { type: 'string', default: String(randomInt(1e6)) },
    lanes: { type: 'string', default: String(2 * availableParallelism()) },
    only: { type: 'string' },
    write: { type: 'string' },
  },
})
const startedAt = performance.now()
const rng = createRng(values.seed, 'kills')
console.log(`seed ${values.seed}, ${values.lanes} runs at once`)

await using bench = await openBenchRun([processes, docker])
// Whatever becomes of this process: what it made is in the folder that goes with it.
process.env['TMPDIR'] = bench.temp

const noDocker = await docker.probe()
if (noDocker !== undefined) console.log(`nothing is killed on docker: ${noDocker}`)
const kills = [
  ...draw('process', Number(values.rounds), ['durable-postgres', 'durable-postgres', 'durable-restate', 'polling']),
  ...draw('docker', noDocker === undefined ? Number(values.docker) : 0, ['webhook', 'durable-postgres']),
]
const outcomes: Outcome[] = []
await inLanes(
  kills.filter((kill) => !needsClean(kill)),
  Number(values.lanes),
  kill,
)
// What is left to outlast clean comes when nobody else is being cleaned up after.
await inLanes(kills.filter(needsClean), Number(values.lanes), kill)
const suites: SuiteOutcome[] = []
await inLanes(drawSuiteKills(Number(values.suites), rng.fork('suites').next), 1, killOneSuite)

const about = {
  seed: values.seed,
  date: new Date().toISOString().slice(0, 10),
  minutes: (performance.now() - startedAt) / 60_000,
}
const page = render(outcomes, suites, about)
console.log(`\n${page}`)
if (values.write !== undefined) writePart(values.write, 'kills', page)
if (outcomes.some(hasFailed) || suites.some(({ left }) => left.length > 0)) process.exitCode = 1

function draw(runtime: Kill['runtime'], count: number, patterns: readonly string[]): readonly Kill[] {
  return drawKills({ runtime, count, patterns, ...(values.only && { only: values.only }) }, rng.fork(runtime))
}

async function inLanes<T>(items: readonly T[], lanes: number, act: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items]
  const work = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await act(item)
  }
  await Promise.all(Array.from({ length: lanes }, work))
}

async function kill(one: Kill): Promise<void> {
  const outcome = await carryOut(one)
  outcomes.push(outcome)
  const { isMissed, left, unlabelled, crash, tookMs, ended } = outcome
  const how = isMissed ? 'too late' : `${(tookMs / 1000).toFixed(1)} s, exit ${ended}`
  console.log(`${outcomes.length}/${kills.length} ${describe(one)}: ${how}`)
  for (const what of left) console.log(`  LEFT ${what}`)
  for (const what of unlabelled) console.log(`  WITHOUT THE LABEL ${what}`)
  if (crash !== undefined) console.log(`  CRASH ${crash}`)
}

async function killOneSuite(one: SuiteKill): Promise<void> {
  const outcome = await killSuite(one)
  suites.push(outcome)
  const { isMissed, servers, left, tookMs } = outcome
  const how = isMissed ? 'no server of it ran' : `${servers} servers, ${(tookMs / 1000).toFixed(1)} s`
  console.log(`suite of ${one.engine}, SIGKILL of ${one.way}: ${how}`)
  for (const what of left) console.log(`  LEFT ${what}`)
}
