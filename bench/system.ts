import { join } from 'node:path'
import { monotonicMs } from '../patterns/contract/types/timer.ts'
import type { Deployment, Runtime } from '../harness/model/runtime.ts'
import type { Job } from '../patterns/contract/client/client.ts'
import { openRegistry } from '../harness/registry.ts'
import { type Client, openClient } from '../harness/run/client.ts'
import { openInbox } from '../harness/run/inbox.ts'
import type { Ledger } from '../harness/run/ledger.ts'
import { openSystem } from '../harness/run/system.ts'
import { digestOf, planTask } from '../patterns/agent/plan.ts'

export const token = 'a-token-for-the-benchmark'
const startLimitMs = 60_000
const taskLimitMs = 30_000
const registry = openRegistry()

export interface BenchSpec {
  /** Unique in this process: names, folders and keys derive from it. */
  readonly name: string
  readonly runtime: Runtime
  readonly pattern: string
  readonly timeScale: number
  /** Links lead straight to what they dial. */
  readonly direct?: boolean
  /** A process of each kind waits to become a node. */
  readonly spares?: boolean
  /** What its nodes get beside the usual environment. */
  readonly env?: Readonly<Record<string, string>>
  /** Of its API nodes alone, as `SystemSpec` has it. */
  readonly apiEnv?: Readonly<Record<string, string>>
  /** Of every task that `runTask` submits. */
  readonly budget?: Job['budget']
  readonly temp: string
}

/** One API node and one executor of a pattern with its services, and no run around them: nothing is recorded. */
export interface BenchSystem extends AsyncDisposable {
  readonly nodes: Deployment['nodes']
  /** The API node's own address, and that of the link to it. */
  readonly apiUrl: string
  readonly apiLinkUrl: string
  /** Run one whole task with the reference client; resolves with the milliseconds beyond its ideal duration. */
  readonly runTask: (profile: string) => Promise<number>
}

export async function openBenchSystem(spec: BenchSpec): Promise<BenchSystem> {
  await using stack = new AsyncDisposableStack()
  const { name, runtime, timeScale, temp } = spec
  const { delivery, engine: usual, tuning } = (await registry.catalog()).resolvePattern(spec.pattern)!
  const engine = { ...usual, env: { ...usual.env, ...spec.env } }
  // In the run's temporary folder: as root, PostgreSQL runs as another user, who must get there.
  const place = { cell: name, folder: join(temp, name), temp, note: async () => {} }
  const { apiEnv } = spec
  const pattern = { runtime, place, delivery: delivery.name, engine, tuning, timeScale, token, apiEnv }
  const openReceiver = (host: string) => openInbox(host, () => {})
  const limit = AbortSignal.timeout(startLimitMs)
  const system = stack.use(await openSystem({ ...pattern, openReceiver, deploy: deployOf(spec) }, limit))
  const client = stack.use(await openClient(system, pattern))
  const { nodes } = system.deployment
  const owned = stack.move()
  return {
    nodes,
    apiUrl: nodes.find(({ role }) => role === 'api')!.url,
    apiLinkUrl: client.ports.apis[0]!.url,
    runTask: timeTasks(spec, client, system.ledger),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function deployOf({ direct = false, spares = false }: BenchSpec) {
  const one = { ahead: 1, inAll: Infinity }
  return {
    replicas: { api: 1, executor: 1 },
    restartDelayMs: 1000,
    seed: 1,
    edge: false,
    direct,
    ...(spares && { spares: { api: one, worker: one } }),
    onNodeEvent: () => {},
  }
}

/** The same request for every API: another key and seed each time. */
export function submission(
  key: string,
  seed: number,
  bearer = token,
): { headers: Record<string, string>; body: string } {
  return {
    headers: {
      authorization: `Bearer ${bearer}`,
      'content-type': 'application/json',
      'idempotency-key': `"${key}"`,
    },
    body: JSON.stringify({ type: 'agent', input: { seed, profile: 'research-write', job: key } }),
  }
}

/** The n-th task of every system is the same work. */
function timeTasks(
  { name, timeScale, budget }: BenchSpec,
  { runJob, ports }: Client,
  ledger: Ledger,
): BenchSystem['runTask'] {
  const client = { ...ports, now: monotonicMs, random: Math.random, observe: () => {} }
  let ordinal = 0
  return async (profile) => {
    const key = `${name}-${++ordinal}`
    const input = { seed: ordinal, profile, job: key }
    const plan = planTask(input, timeScale)
    const digest = digestOf(plan, (step) => ledger.nonceOf(key, step))
    const from = monotonicMs()
    const job = { key, ordinal, input, ...(budget && { budget }), giveUpAt: from + taskLimitMs }
    const { task } = await runJob(job, client, AbortSignal.timeout(taskLimitMs))
    if (task.result?.digest !== digest) throw new Error(`task ${key} came to a wrong result`)
    return monotonicMs() - from - plan.idealMs
  }
}
