/**
 * Whether the patterns of a scenario fit on a machine side by side, in containers: how long each cell takes until all its
 * containers are ready, alone and together with the others; and what memory they take under the load of a cell without
 * faults, as the kernel accounts for it, beside what they are allowed to take.
 *
 * usage: node bench/containers.ts [--scenario scenarios/quickstart.yaml]
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import Dockerode from 'dockerode'
import { openRegistry } from '../harness/registry.ts'
import { planScenario } from '../harness/cli/scenario-arguments.ts'
import { monotonicMs } from '../patterns/contract/types/timer.ts'
import type { CellPlan } from '../harness/model/plan.ts'
import { openJournal } from '../harness/cleanup/journal.ts'
import { prepareCell, type ReadyCell } from '../harness/run/cell.ts'
import { watchMachine } from '../harness/run/machine/watch.ts'
import type { BlockContext } from '../harness/run/cell-context.ts'
import runtime from '../harness/runtimes/docker.ts'
import { runLabelKey } from '../harness/runtimes/docker/containers/sweep.ts'
import { openBenchRun } from './bench-run.ts'

const { values } = parseArgs({ options: { scenario: { type: 'string', default: 'scenarios/quickstart.yaml' } } })
const mebibyte = 2 ** 20
const reason = await runtime.probe()
if (reason === undefined) await measure()
else console.log(`Without the runtime docker: ${reason}.`)

async function measure(): Promise<void> {
  const registry = openRegistry()
  const { plan } = await planScenario(values.scenario, { runtime: 'docker', arms: ['none'] }, registry)
  await using benchRun = await openBenchRun([runtime])
  const { run, temp } = benchRun
  await using journal = await openJournal(temp)
  const [engines, faults] = [await registry.engines(), await registry.faults()]
  const signal = AbortSignal.timeout(600_000)
  using machine = watchMachine()
  const breakOff: BlockContext['breakOff'] = (error) => console.error(error.message)
  const folder = { name: 'bench', path: temp }
  const context = { folder, temp, journal, runtime, engines, faults, signal, breakOff, machine }
  const block = plan.cells.filter((cell) => cell.block === plan.cells[0]?.block)
  await compare(block, context, run)
}

async function compare(cells: readonly CellPlan[], context: BlockContext, run: string): Promise<void> {
  const alone: number[] = []
  for (const cell of cells) alone.push(await startAlone({ ...cell, id: `${cell.id}-alone` }, context))
  await using stack = new AsyncDisposableStack()
  const together = await Promise.all(cells.map((cell) => start(cell, context)))
  for (const { ready } of together) stack.use(ready)
  const load = Promise.all(together.map(({ ready }) => ready.underLoad(monotonicMs() + 100)))
  const peaks = await watchMemory(run, load)
  print(
    cells,
    alone,
    together.map(({ ms }) => ms),
    peaks,
  )
}

async function startAlone(cell: CellPlan, context: BlockContext): Promise<number> {
  const { ready, ms } = await start(cell, context)
  await ready[Symbol.asyncDispose]()
  return ms
}

async function start(cell: CellPlan, context: BlockContext): Promise<{ ready: ReadyCell; ms: number }> {
  const from = monotonicMs()
  const ready = await prepareCell(cell, context, { phase: () => {}, fault: () => {}, node: () => {}, system: () => {} })
  return { ready, ms: monotonicMs() - from }
}

interface Memory {
  readonly usedBytes: number
  readonly limitBytes: number
}

/** The moment at which all containers together took most, by container name. */
async function watchMemory(run: string, load: Promise<unknown>): Promise<ReadonlyMap<string, Memory>> {
  let over = false
  const ended = load.finally(() => (over = true))
  let peak = await readMemory(run)
  while (!over) {
    await sleep(1000)
    const now = await readMemory(run)
    if (sum(now, 'usedBytes') > sum(peak, 'usedBytes')) peak = now
  }
  await ended
  return peak
}

async function readMemory(run: string): Promise<ReadonlyMap<string, Memory>> {
  const engine = new Dockerode()
  const listed = await engine.listContainers({ filters: { label: [`${runLabelKey}=${run}`] } })
  const entries = listed.map(async ({ Id, Names }) => {
    const { memory_stats: memory } = await engine.getContainer(Id).stats({ stream: false, 'one-shot': true })
    // As `docker stats` counts: what the kernel can take back at once is not in use.
    const usedBytes = memory.usage - (memory.stats.inactive_file ?? 0)
    return [Names[0]!, { usedBytes, limitBytes: memory.limit }] as const
  })
  return new Map(await Promise.all(entries))
}

function print(
  cells: readonly CellPlan[],
  alone: readonly number[],
  together: readonly number[],
  peaks: ReadonlyMap<string, Memory>,
): void {
  console.log('| cell | ready alone, s | ready side by side, s | containers | memory in use, MiB | limits, MiB |')
  console.log('|---|---|---|---|---|---|')
  const row = (name: string, times: readonly string[], of: ReadonlyMap<string, Memory>): void => {
    const [used, limits] = [sum(of, 'usedBytes'), sum(of, 'limitBytes')].map((bytes) => Math.round(bytes / mebibyte))
    console.log(`| ${[name, ...times, of.size, used, limits].join(' | ')} |`)
  }
  const seconds = (ms: number): string => (ms / 1000).toFixed(1)
  for (const [i, { id, pattern }] of cells.entries()) {
    const infix = `-${id.replaceAll(/[^A-Za-z0-9]+/g, '-')}-`
    row(
      pattern,
      [seconds(alone[i]!), seconds(together[i]!)],
      new Map([...peaks].filter(([name]) => name.includes(infix))),
    )
  }
  row('all', ['', seconds(Math.max(...together))], peaks)
}

function sum(of: ReadonlyMap<string, Memory>, what: keyof Memory): number {
  return [...of.values()].reduce((total, one) => total + one[what], 0)
}
