/**
 * What the fault points cost while they do nothing: a placebo (every connection through the proxy and, in containers, the
 * packet filter, no fault) against direct connections, on the same machine at the same time, in turns. First one request
 * over an open connection, then whole tasks of webhook on memory: submit, three tool calls, callback.
 *
 * usage: node bench/injector.ts [--runtimes process,docker] [--requests 2000] [--tasks 200]
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { request } from 'undici'
import { openCatalog } from '../harness/cli/catalog.ts'
import type { Runtime } from '../harness/core/types.ts'
import { openInbox } from '../harness/load/inbox.ts'
import { labelRun } from '../harness/os/label.ts'
import { openDispatcher } from '../harness/run/jobs.ts'
import { openLedger } from '../harness/run/ledger.ts'
import { findRuntimes } from '../harness/run/sweepers.ts'
import { quantile, quantileInterval } from '../harness/stats/quantiles.ts'
import { planTask } from '../patterns/agent/plan.ts'
import type { Task } from '../patterns/contract/task.ts'
import { timingAt } from '../patterns/contract/timing.ts'
import runJob from '../patterns/deliveries/webhook/client.ts'

const { values } = parseArgs({
  options: {
    runtimes: { type: 'string', default: 'process,docker' },
    requests: { type: 'string', default: '2000' },
    tasks: { type: 'string', default: '200' },
  },
})
const timeScale = 100
const token = 'a-token-for-the-benchmark'
const signal = AbortSignal.timeout(600_000)
const catalog = await openCatalog()
const temp = await mkdtemp(join(tmpdir(), 'outlast-bench-'))
await chmod(temp, 0o711)
labelRun(`bench-${process.pid}`)
console.log(
  '| runtime | what | direct p50 ms | placebo p50 ms | placebo - direct, median ms | p99 ms: direct, placebo |',
)
console.log('|---|---|---:|---:|---:|---:|')
try {
  const runtimes = await findRuntimes()
  for (const name of values.runtimes.split(',')) await measure(runtimes.get(name)!)
} finally {
  await rm(temp, { recursive: true, force: true, maxRetries: 5 })
}

async function measure(runtime: Runtime): Promise<void> {
  const reason = await runtime.probe()
  if (reason !== undefined) return console.log(`${runtime.name} left out: ${reason}`)
  await using direct = await openCell(runtime, true)
  await using placebo = await openCell(runtime, false)
  const [requests, tasks] = [Number(values.requests), Number(values.tasks)]
  report(runtime, 'a request', await inTurns(requests, direct.ask, placebo.ask))
  report(runtime, 'a whole task, beyond its ideal time', await inTurns(tasks, direct.work, placebo.work))
}

interface Times {
  readonly direct: readonly number[]
  readonly placebo: readonly number[]
}

/** One after the other, so that whatever disturbs one soon disturbs the other; who begins changes every time. */
async function inTurns(n: number, direct: () => Promise<number>, placebo: () => Promise<number>): Promise<Times> {
  const times = { direct: [] as number[], placebo: [] as number[] }
  const sides = [
    ['direct', direct],
    ['placebo', placebo],
  ] as const
  for (let i = -20; i < n; i++)
    for (const [side, act] of i % 2 === 0 ? sides : sides.toReversed()) {
      const ms = await act()
      // The first ones warm up.
      if (i >= 0) times[side].push(ms)
    }
  return times
}

function report(runtime: Runtime, what: string, { direct, placebo }: Times): void {
  const differences = direct.map((ms, i) => placebo[i]! - ms)
  const [low, high] = quantileInterval(differences, 0.5)!
  const ms = (value: number | undefined): string => value!.toFixed(2)
  const [p50, p99] = [0.5, 0.99].map((q) => [direct, placebo].map((times) => ms(quantile(times, q))))
  const added = `${ms(quantile(differences, 0.5))} [${ms(low)}, ${ms(high)}]`
  console.log(`| ${runtime.name} | ${what} | ${p50![0]} | ${p50![1]} | ${added} | ${p99!.join(', ')} |`)
}

/** One API node, and what is asked of it; each answers how many milliseconds it took. */
interface Cell extends AsyncDisposable {
  readonly ask: () => Promise<number>
  readonly work: () => Promise<number>
}

async function openCell(runtime: Runtime, direct: boolean): Promise<Cell> {
  await using stack = new AsyncDisposableStack()
  const cell = direct ? 'direct' : 'placebo'
  const folder = join(temp, `${runtime.name}-${cell}`)
  const ground = stack.use(await runtime.open({ cell, folder, temp: folder, note: async () => {} }, signal))
  const ledger = stack.use(
    await openLedger(join(temp, `${runtime.name}-${cell}.ndjson`), join(temp, 'ledger.log'), ground.host),
  )
  const receiver = stack.use(await openInbox(ground.host, () => {}))
  const deployment = stack.use(
    await ground.deploy(
      {
        services: catalog.resolvePattern('webhook')!.engine.services,
        replicas: { api: 1, executor: 1 },
        env: {
          OUTLAST_DELIVERY: 'webhook',
          OUTLAST_ENGINE: 'memory',
          OUTLAST_TIME_SCALE: String(timeScale),
          OUTLAST_TOKEN: token,
          OUTLAST_WEBHOOK_ALLOW: ground.network,
        },
        outside: { tools: ledger.address, receiver: receiver.address },
        restartDelayMs: 1000,
        seed: 1,
        edge: false,
        direct,
        onNodeEvent: () => {},
      },
      signal,
    ),
  )
  const urlOf = (kind: string): string => deployment.links.find((link) => link.kind === kind)!.url
  const dispatcher = stack.use(openDispatcher(timingAt(timeScale).connectTimeoutMs, timeScale))
  const inbox = {
    urlFor: (job: string) => `${urlOf('sender->receiver')}/callbacks/${job}`,
    wait: (job: string, until: AbortSignal) => receiver.wait<Task>(job, until),
  }
  const ports = {
    apis: [{ name: 'client->api-0', url: urlOf('client->api') }],
    sticky: true,
    dispatcher,
    token,
    timeScale,
    now: () => performance.now(),
    random: Math.random,
    observe: () => {},
    inbox,
  }
  let ordinal = 0
  const owned = stack.move()
  return {
    ask: () => timed(async () => (await request(`${urlOf('client->api')}/healthz`, { dispatcher })).body.dump()),
    work: async () => {
      const job = `${cell}-${++ordinal}`
      const input = { seed: ordinal, profile: 'smoke', job }
      const { idealMs } = planTask(input, timeScale)
      const giveUpAt = performance.now() + 60_000
      return (await timed(() => runJob({ key: job, ordinal, input, giveUpAt }, ports, signal))) - idealMs
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await act()
  return performance.now() - start
}
