/**
 * What the fault points cost while they do nothing: a placebo (every connection through the proxy and, in containers, the
 * packet filter; no fault) against direct connections, at the same time on the same machine, in turns.
 *
 * - A request: one API node, asked over kept-alive connections through its link and at its own address.
 * - A whole task with the reference client, beyond its ideal duration: two systems side by side, the links of one lead
 *   straight to what they dial. A third, direct too, shows how far two equal systems differ by themselves.
 *
 * usage: node bench/injector.ts [--runtimes process,docker] [--patterns webhook,durable-postgres] [--requests 2000] [--tasks 100]
 */
import { parseArgs } from 'node:util'
import { Client } from 'undici'
import { monotonicMs } from '../patterns/contract/types/timer.ts'
import type { Runtime } from '../harness/model/runtime.ts'
import { openRegistry } from '../harness/registry.ts'
import { describeAdded, describeTimes, inTurns } from './in-turns.ts'
import { openBenchRun } from './bench-run.ts'
import { openBenchSystem, submission, type BenchSystem, type BenchSpec, token } from './system.ts'

const { values } = parseArgs({
  options: {
    runtimes: { type: 'string', default: 'process,docker' },
    patterns: { type: 'string', default: 'webhook,durable-postgres' },
    requests: { type: 'string', default: '2000' },
    tasks: { type: 'string', default: '100' },
  },
})
/** A task of 30 s in 0.3 s. */
const [profile, timeScale] = ['smoke', 100] as const

const runtimes = await openRegistry().runtimes()
await using benchRun = await openBenchRun([...runtimes.values()])
const usable = await findUsable(values.runtimes.split(','))
printHead(['runtime', 'request'], 'direct', 'through its link')
for (const runtime of usable) await measureRequests(runtime)
printHead(['runtime', 'task of'], 'direct', 'placebo', 'direct again - direct')
for (const runtime of usable) for (const pattern of values.patterns.split(',')) await measureTasks(runtime, pattern)

async function findUsable(names: readonly string[]): Promise<readonly Runtime[]> {
  const usable: Runtime[] = []
  for (const name of names) {
    const runtime = runtimes.get(name)
    const reason = runtime ? await runtime.probe() : 'there is no such runtime'
    if (runtime && reason === undefined) usable.push(runtime)
    else console.log(`Without the runtime ${name}: ${reason}.\n`)
  }
  return usable
}

async function measureRequests(runtime: Runtime): Promise<void> {
  // At full length nothing ends while this runs, and what tasks do is rare.
  await using system = await openBenchSystem({ ...spec(runtime, 'polling', 'asked'), timeScale: 1 })
  await using direct = openCaller('direct', system.apiUrl)
  await using linked = openCaller('linked', system.apiLinkUrl)
  const { task_id } = JSON.parse(await direct.call('POST', '/v1/tasks', submission('first', 1))) as { task_id: string }
  const headers = { authorization: `Bearer ${token}` }
  const asks = {
    'GET /healthz': (to: Caller) => to.call('GET', '/healthz', {}),
    'GET /v1/tasks/:id': (to: Caller) => to.call('GET', `/v1/tasks/${task_id}`, { headers }),
    'POST /v1/tasks': (to: Caller, n: number) =>
      to.call('POST', '/v1/tasks', submission(`${to.name}-${n + 100}`, n + 100)),
  }
  for (const [name, ask] of Object.entries(asks)) {
    const turns = [direct, linked].map((to) => (n: number) => timed(() => ask(to, n)))
    const [base, other] = await inTurns(Number(values.requests), turns)
    printRow([runtime.name, `\`${name}\``], base!, other!)
  }
}

async function measureTasks(runtime: Runtime, pattern: string): Promise<void> {
  await using direct = await openBenchSystem({ ...spec(runtime, pattern, 'direct'), direct: true })
  await using placebo = await openBenchSystem(spec(runtime, pattern, 'placebo'))
  await using again = await openBenchSystem({ ...spec(runtime, pattern, 'again'), direct: true })
  const work = (system: BenchSystem) => () => system.runTask(profile)
  const times = await inTurns(Number(values.tasks), [direct, placebo, again].map(work))
  printRow([runtime.name, pattern], times[0]!, times[1]!, describeAdded(times[0]!, times[2]!))
}

function spec(runtime: Runtime, pattern: string, what: string): BenchSpec {
  return { name: `${runtime.name}-${pattern}-${what}`, runtime, pattern, timeScale, temp: benchRun.temp }
}

interface Caller extends AsyncDisposable {
  readonly name: string
  call(method: 'GET' | 'POST', path: string, more: { headers?: Record<string, string>; body?: string }): Promise<string>
}

/** One connection, kept alive. */
function openCaller(name: string, url: string): Caller {
  const client = new Client(url, { pipelining: 1 })
  return {
    name,
    async call(method, path, { headers = {}, body }) {
      const response = await client.request({ method, path, headers, body: body ?? null })
      const text = await response.body.text()
      if (response.statusCode >= 300) throw new Error(`${method} ${path}: ${response.statusCode} ${text}`)
      return text
    },
    [Symbol.asyncDispose]: () => client.close(),
  }
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const from = monotonicMs()
  await act()
  return monotonicMs() - from
}

function printHead(names: readonly string[], base: string, other: string, ...more: readonly string[]): void {
  const times = [base, other].map((side) => `${side} p50 ms | p99`)
  const columns = [...names, ...times, `${other} - ${base}, median of pairs [95 %]`, ...more].join(' | ')
  console.log(`\n| ${columns} |\n|${columns.replaceAll(/[^|]+/g, '---')}|`)
}

function printRow(
  names: readonly string[],
  base: readonly number[],
  other: readonly number[],
  ...more: readonly string[]
): void {
  const columns = [...names, ...describeTimes(base), ...describeTimes(other), describeAdded(base, other), ...more]
  console.log(`| ${columns.join(' | ')} |`)
}
