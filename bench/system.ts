import { join } from 'node:path'
import { openCatalog } from '../harness/registry.ts'
import { monotonicMs } from '../harness/core/clock.ts'
import type { Deployment, Engine, Ground, Runtime } from '../harness/model/types.ts'
import { type CallbackReceiver, openInbox } from '../harness/run/inbox.ts'
import { openDispatcher } from '../harness/run/jobs.ts'
import { type Ledger, openLedger } from '../harness/run/ledger.ts'
import { nodeEnvironment } from '../harness/run/node-environment.ts'
import { digestOf, planTask } from '../patterns/agent/plan.ts'
import type { ClientPorts, RunJob } from '../patterns/contract/client/client.ts'
import type { Task } from '../patterns/contract/types/task.ts'
import { timeoutsAt } from '../patterns/contract/types/timeouts.ts'
import { timingAt } from '../patterns/contract/types/timing.ts'

export const token = 'a-token-for-the-benchmark'
const startLimitMs = 60_000
const taskLimitMs = 30_000

export interface SystemSpec {
  /** Unique in this process: names, folders and keys derive from it. */
  readonly name: string
  readonly runtime: Runtime
  readonly pattern: string
  readonly timeScale: number
  /** Links lead straight to what they dial. */
  readonly direct?: boolean
  /** A process of each kind waits to become a node. */
  readonly spares?: boolean
  readonly temp: string
}

/** One API node and one executor of a pattern with its services, and no run around them: nothing is recorded. */
export interface System extends AsyncDisposable {
  readonly nodes: Deployment['nodes']
  /** The API node's own address, and that of the link to it. */
  readonly apiUrl: string
  readonly apiLinkUrl: string
  /** Run one whole task with the reference client; resolves with the milliseconds beyond its ideal duration. */
  readonly runTask: (profile: string) => Promise<number>
}

export async function openSystem(spec: SystemSpec): Promise<System> {
  await using stack = new AsyncDisposableStack()
  const { name, runtime, temp } = spec
  const folder = join(temp, name)
  const signal = AbortSignal.timeout(startLimitMs)
  const { delivery, engine } = (await openCatalog()).resolvePattern(spec.pattern)!
  // In the run's temporary folder: as root, PostgreSQL runs as another user, who must get there.
  const ground = stack.use(await runtime.open({ cell: name, folder, temp, note: async () => {} }, signal))
  const ledger = stack.use(await openLedger(join(temp, `${name}.ndjson`), join(temp, `${name}.log`), ground.host))
  const receiver = stack.use(await openInbox(ground.host, () => {}))
  const outside = { tools: ledger.address, receiver: receiver.address }
  const deployment = stack.use(await deploy(spec, ground, { delivery: delivery.name, engine, outside }, signal))
  const dispatcher = stack.use(openDispatcher(timingAt(spec.timeScale).connectTimeoutMs, spec.timeScale))
  const { default: runJob } = (await import(`../patterns/deliveries/${delivery.name}/client.ts`)) as {
    default: RunJob
  }
  const ports = connect(spec, deployment, receiver, { dispatcher, sticky: engine.sticky })
  const owned = stack.move()
  return {
    nodes: deployment.nodes,
    apiUrl: deployment.nodes.find(({ role }) => role === 'api')!.url,
    apiLinkUrl: ports.apis[0]!.url,
    runTask: timeTasks(spec, runJob, ports, ledger),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** The same request, whoever asks: another key and seed each time. */
export function submission(key: string, seed: number): { headers: Record<string, string>; body: string } {
  return {
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'idempotency-key': `"${key}"`,
    },
    body: JSON.stringify({ type: 'agent', input: { seed, profile: 'research-write', job: key } }),
  }
}

function deploy(
  { timeScale, direct = false, spares = false }: SystemSpec,
  ground: Ground,
  what: { delivery: string; engine: Engine; outside: Record<'tools' | 'receiver', string> },
  signal: AbortSignal,
): Promise<Deployment> {
  const { delivery, engine, outside } = what
  const pace = { tuning: 'default', timeScale } as const
  const env = nodeEnvironment({ delivery, engine: engine.name, ...pace, token, network: ground.network })
  return ground.deploy(
    {
      services: engine.services,
      timeouts: timeoutsAt(engine.timeouts, pace),
      replicas: { api: 1, executor: 1 },
      env,
      outside,
      restartDelayMs: 1000,
      seed: 1,
      edge: false,
      direct,
      ...(spares && { spares: { api: { ahead: 1, inAll: Infinity }, worker: { ahead: 1, inAll: Infinity } } }),
      onNodeEvent: () => {},
    },
    signal,
  )
}

function connect(
  { timeScale }: SystemSpec,
  { links }: Deployment,
  receiver: CallbackReceiver,
  rest: Pick<ClientPorts, 'dispatcher' | 'sticky'>,
): ClientPorts {
  const callbackUrl = links.find(({ kind }) => kind === 'sender->receiver')?.url
  const inbox = {
    urlFor: (job: string) => `${callbackUrl}/callbacks/${job}`,
    wait: (job: string, signal: AbortSignal) => receiver.wait<Task>(job, signal),
  }
  return {
    ...rest,
    apis: links.filter(({ kind }) => kind === 'client->api').map(({ name, url }) => ({ name, url })),
    token,
    timeScale,
    now: monotonicMs,
    random: Math.random,
    observe: () => {},
    ...(callbackUrl && { inbox }),
  }
}

/** The n-th task of every system is the same work. */
function timeTasks(
  { name, timeScale }: SystemSpec,
  runJob: RunJob,
  ports: ClientPorts,
  ledger: Ledger,
): System['runTask'] {
  let ordinal = 0
  return async (profile) => {
    const key = `${name}-${++ordinal}`
    const input = { seed: ordinal, profile, job: key }
    const plan = planTask(input, timeScale)
    const digest = digestOf(plan, (step) => ledger.nonceOf(key, step))
    const from = monotonicMs()
    const job = { key, ordinal, input, giveUpAt: from + taskLimitMs }
    const { task } = await runJob(job, ports, AbortSignal.timeout(taskLimitMs))
    if (task.result?.digest !== digest) throw new Error(`task ${key} came to a wrong result`)
    return monotonicMs() - from - plan.idealMs
  }
}
