import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { discover } from '../../harness/core/discover.ts'
import type { Deployment, Engine, NodeEvent, Runtime } from '../../harness/core/types.ts'
import { openInbox } from '../../harness/load/inbox.ts'
import { labelRun } from '../../harness/os/label.ts'
import { findLabelled } from '../../harness/os/leftovers.ts'
import { openLedger } from '../../harness/run/ledger.ts'

export const runtimes = await discover<Runtime>(new URL('../../harness/runtimes/', import.meta.url))
const engines = await discover<Engine>(new URL('../../patterns/engines/', import.meta.url), 'engine')

export interface TestDeployment extends AsyncDisposable {
  readonly deployment: Deployment
  readonly folder: string
  readonly token: string
  readonly events: readonly NodeEvent[]
  /** Processes that the deployment started and that are alive. */
  readonly alive: () => number
}

/** A real deployment of webhook on an engine, with a real ledger and receiver, at full speed. */
export async function deployForTest(
  runtime: Runtime,
  engine = 'memory',
  delivery = 'webhook',
): Promise<TestDeployment> {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'outlast-test-'))
  stack.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  const run = `test-${process.pid}-${Math.round(performance.now() * 1000)}`
  labelRun(run)
  stack.defer(() => labelRun(undefined))
  const ledger = stack.use(await openLedger(join(folder, 'ledger.ndjson'), join(folder, 'ledger.log')))
  const receiver = stack.use(await openInbox(() => {}))
  const events: NodeEvent[] = []
  const token = 'a-token-for-tests-only'
  const deployment = stack.use(
    await runtime.deploy(
      {
        cell: 'test',
        folder,
        temp: folder,
        services: engines.get(engine)!.services,
        replicas: { api: 2, executor: 2 },
        env: {
          OUTLAST_DELIVERY: delivery,
          OUTLAST_ENGINE: engine,
          OUTLAST_TIME_SCALE: '100',
          OUTLAST_TOKEN: token,
          OUTLAST_WEBHOOK_ALLOW: '127.0.0.0/8',
        },
        outside: { tools: ledger.address, receiver: receiver.address },
        restartDelayMs: 200,
        seed: 1,
        onNodeEvent: (event) => events.push(event),
      },
      AbortSignal.timeout(30_000),
    ),
  )
  const owned = stack.move()
  const alive = (): number => findLabelled(run).length
  return { deployment, folder, token, events, alive, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** Poll until it holds; the test's own timeout is the limit. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20))
}
