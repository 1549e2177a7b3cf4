/**
 * What a task in flight costs the driver: tasks over SSE or sockets through the embedded links, held open at once, on the real
 * runtime with the in-memory engine. Memory is this process's, from 500 in flight to all of them: what is alive on
 * and off the heap, and the resident set once V8 has given its free pages back (between collections it holds more).
 * Two cells share the tasks: a proxy needs two descriptors per connection, and 20,000 is a common limit per process.
 *
 * usage: node --expose-gc bench/sse.ts [--delivery sse-polling] [--tasks 10000] [--rate 1000]
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { HarnessError } from '../harness/core/errors.ts'
import { monotonicMs } from '../patterns/contract/types/timer.ts'
import { discover } from '../harness/core/discover.ts'
import type { CellPlan } from '../harness/model/plan.ts'
import type { Engine } from '../patterns/contract/types/engine.ts'
import { prepareCell, type ReadyCell } from '../harness/run/cell.ts'
import { openJournal } from '../harness/cleanup/journal.ts'
import { watchHealth } from '../harness/run/health.ts'
import { watchMachine } from '../harness/run/machine/watch.ts'
import runtime from '../harness/runtimes/process.ts'
import { openBenchRun } from './bench-run.ts'

const { values } = parseArgs({
  options: {
    delivery: { type: 'string', default: 'sse-polling' },
    tasks: { type: 'string', default: '10000' },
    rate: { type: 'string', default: '1000' },
  },
})
const tasks = Number(values.tasks)
const warmUp = 500
const cells = ['bench-a', 'bench-b'].map((id): CellPlan => ({
  id,
  block: 0,
  pattern: values.delivery,
  delivery: values.delivery,
  engine: 'memory',
  axes: { delivery: [], engine: [] },
  promises: [],
  arm: 'none',
  repetition: 1,
  seed: 1,
  timeScale: 1,
  tuning: 'default',
  profile: 'research-write',
  tasks: tasks / 2,
  load: { arrivals: 'uniform', ratePerSec: Number(values.rate) / 2 },
  graceMs: 120_000,
  restartDelayMs: 1000,
  replicas: { api: 4, executor: 4 },
  faults: [],
  health: { pacerLagP99Ms: 5, eventLoopDelayP99Ms: 50 },
}))

const abort = new AbortController()
{
  await using benchRun = await openBenchRun([runtime])
  const { temp } = benchRun
  const engines = await discover<Engine>(new URL('../patterns/engines/', import.meta.url), 'engine')
  await using stack = new AsyncDisposableStack()
  const journal = stack.use(await openJournal(temp))
  const context = {
    folder: { name: 'bench', path: temp },
    temp,
    journal,
    runtime,
    engines,
    faults: new Map(),
    signal: abort.signal,
    breakOff: (error: HarnessError) => abort.abort(error),
    machine: stack.use(watchMachine()),
  }
  const ready: ReadyCell[] = []
  for (const cell of cells)
    ready.push(
      stack.use(
        await prepareCell(cell, context, { phase: () => {}, fault: () => {}, node: () => {}, system: () => {} }),
      ),
    )
  const count = (what: keyof ReadyCell['counts']): number => ready.reduce((sum, { counts }) => sum + counts[what], 0)
  const health = watchHealth()
  const startedAt = monotonicMs()
  const running = ready.map((cell) => cell.underLoad(startedAt))
  // The first ones also load and compile code, and open pools: their cost is the driver's, not a task's.
  while (count('open') < warmUp) await sleep(10)
  const before = { ...measureMemory(), open: count('open') }
  while (count('started') < tasks && monotonicMs() - startedAt < 60_000) await sleep(100)
  // Everyone is connected and the first steps are done: events and heartbeats flow.
  await sleep(20_000)
  const { eventLoopDelayP99Ms, cpuShare } = health.stop()
  const open = count('open')
  const during = measureMemory()
  const perTaskKb = (what: keyof Memory): string =>
    ((during[what] - before[what]) / (open - before.open) / 1024).toFixed(1)
  abort.abort()
  await Promise.all(running)
  console.log(
    '| tasks in flight | over or failed | alive KB per task | resident KB per task | loop p99 ms | driver cpu share |',
  )
  console.log('|---|---|---|---|---|---|')
  console.log(
    `| ${open} | ${tasks - open} | ${perTaskKb('alive')} | ${perTaskKb('resident')} | ${eventLoopDelayP99Ms.toFixed(1)} | ${cpuShare.toFixed(2)} |`,
  )
}

interface Memory {
  readonly alive: number
  readonly resident: number
}

/** Bytes, after the most thorough collection that V8 offers: garbage and free pages are no task's cost. */
function measureMemory(): Memory {
  if (!globalThis.gc) throw new Error('run with node --expose-gc')
  globalThis.gc({ type: 'major', execution: 'sync', flavor: 'last-resort' })
  const { heapUsed, external, rss } = process.memoryUsage()
  return { alive: heapUsed + external, resident: rss }
}
