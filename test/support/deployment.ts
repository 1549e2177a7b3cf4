import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { discover } from '../../harness/core/discover.ts'
import type { Stranger } from '../../harness/model/history.ts'
import type { DeployRequest, Deployment, NodeEvent, Runtime } from '../../harness/model/runtime.ts'
import type { Engine } from '../../patterns/contract/types/engine.ts'
import { openFaultSender } from '../../harness/run/callback-path.ts'
import { type CallbackReceiver, openInbox } from '../../harness/run/inbox.ts'
import { openNotify } from '../../patterns/contract/server/plugins.ts'
import type { Notify } from '../../patterns/contract/types/callback.ts'
import { labelRun } from '../../harness/os/label.ts'
import { findLabelled } from '../../harness/cleanup/processes.ts'
import { openLedger } from '../../harness/run/ledger.ts'
import { nodeEnvironment } from '../../harness/run/system.ts'

export const runtimes = await discover<Runtime>(new URL('../../harness/runtimes/', import.meta.url))
export const engines = await discover<Engine>(new URL('../../patterns/engines/', import.meta.url), 'engine')

export interface TestDeployment extends AsyncDisposable {
  readonly deployment: Deployment
  readonly folder: string
  readonly token: string
  readonly receiver: CallbackReceiver
  /** Posts as the sender of webhook-retry does. */
  readonly notify: Notify
  readonly events: readonly NodeEvent[]
  /** Processes that were started to become a node, in order. */
  readonly spares: readonly number[]
  /** Whether anything that the deployment started is still there: processes, containers, networks. */
  readonly alive: () => Promise<boolean>
}

export interface TestOptions {
  readonly engine?: string
  readonly delivery?: string
  readonly edge?: boolean
  readonly direct?: boolean
  readonly spares?: DeployRequest['spares'] & {}
  /** Services that are changed on purpose. */
  readonly env?: Readonly<Record<string, string>>
  readonly onStranger?: (stranger: Stranger) => void
}

/** A real deployment of webhook on an engine, with a real ledger and receiver, at full speed. */
export async function deployForTest(
  runtime: Runtime,
  {
    engine = 'memory',
    delivery = 'webhook',
    edge = false,
    direct = false,
    spares = {},
    env = {},
    onStranger = () => {},
  }: TestOptions = {},
): Promise<TestDeployment> {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'outlast-test-'))
  // PostgreSQL does not run as root, and must reach its data here.
  await chmod(folder, 0o711)
  stack.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  const run = `test-${process.pid}-${Math.round(performance.now() * 1000)}`
  labelRun(run)
  stack.defer(() => labelRun(undefined))
  const place = { cell: 'test', folder, temp: folder, note: async () => {} }
  const ground = stack.use(await runtime.open(place, AbortSignal.timeout(120_000)))
  const { host } = ground
  const ledger = stack.use(await openLedger(join(folder, 'ledger.ndjson'), join(folder, 'ledger.log'), host))
  const token = 'a-token-for-tests-only'
  const receiver = stack.use(await openInbox(host, () => {}))
  const sender = { delivery: 'webhook-retry', engine: engines.get(engine)!, tuning: 'default', timeScale: 100 } as const
  const ofFaults = await openFaultSender(receiver.address, { ...sender, token })
  receiver.path.connect((job) => `http://${receiver.address}${receiver.pathFor(job)}`, ofFaults)
  const listen = { host: '127.0.0.1', port: 1 }
  const notify = await openNotify({ ...sender, engine, token, node: 'test', listen, webhookAllow: [ground.network] })
  const events: NodeEvent[] = []
  const started: number[] = []
  const deployment = stack.use(
    await ground.deploy(
      {
        services: engines.get(engine)!.services,
        timeouts: {},
        replicas: { api: 2, executor: 2 },
        env: {
          ...nodeEnvironment({ delivery, engine, tuning: 'default', timeScale: 100, token, network: ground.network }),
          ...env,
        },
        outside: { tools: ledger.address, receiver: receiver.address },
        restartDelayMs: 200,
        spares,
        onSpare: (pid) => started.push(pid),
        seed: 1,
        edge,
        blockable: runtime.offers.includes('block'),
        direct,
        onNodeEvent: (event) => events.push(event),
        onStranger,
      },
      AbortSignal.timeout(120_000),
    ),
  )
  const owned = stack.move()
  const alive = async (): Promise<boolean> =>
    findLabelled(run).length > 0 || (await runtime.resources()).some((trace) => trace.run === run)
  return {
    deployment,
    folder,
    token,
    receiver,
    notify,
    events,
    spares: started,
    alive,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** Poll until it holds. Without a limit of its own a test that timed out would poll on, and keep all that it started. */
export async function until(holds: () => boolean | Promise<boolean>, withinMs = 60_000): Promise<void> {
  const signal = AbortSignal.timeout(withinMs)
  while (!(await holds())) {
    if (signal.aborted) throw new Error(`not so within ${withinMs} ms: ${String(holds)}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
