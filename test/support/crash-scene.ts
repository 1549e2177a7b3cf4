import { setTimeout as delay } from 'node:timers/promises'
import { Agent } from 'undici'
import type { Delivery } from '../../patterns/contract/types/delivery.ts'
import type { Engine } from '../../patterns/contract/types/engine.ts'
import { operator } from '../../patterns/contract/types/principal.ts'
import type { NodeSettings } from '../../patterns/contract/types/settings.ts'
import { openInbox } from '../../harness/run/inbox.ts'
import { keepPort } from './ports.ts'
import { balanceAtFirst, type Clients, type Kind, openClients } from './crash-clients.ts'
import { keepsAccounts } from './engines.ts'
import { type EngineCluster, startCluster } from './engine-cluster.ts'
import { type FaultPoints, openFaultPoints } from './fault-points.ts'
import { type SupervisedNode, superviseNode } from './supervised-node.ts'

/** A task of three steps takes 0.4 s. */
const timeScale = 80

/** An engine with its servers, its worker, and an API node per delivery: real processes, ours supervised. */
export interface CrashScene extends Clients, AsyncDisposable {
  readonly cluster: EngineCluster
  readonly points: FaultPoints
  readonly nodes: readonly SupervisedNode[]
  /** Those that perform steps. */
  readonly executors: readonly SupervisedNode[]
  /** Whoever posts callbacks does it as this delivery does from now on, where it is one that posts. */
  post(kind: Kind): Promise<void>
  /** The delivery whose callbacks are posted now. */
  posted(): string
  /** All nodes are well. */
  ready(): Promise<void>
  /** They are well again, after whoever is to die has had a second for it. */
  settled(): Promise<void>
}

/** Enough for every task: what is put to the test is that each act on an account happens once. */
function accountsOf(engine: Engine): Partial<NodeSettings> {
  if (!keepsAccounts(engine)) return {}
  return { balances: { [operator]: balanceAtFirst }, toolRates: { principal: { perSecond: 1000, burst: 1000 } } }
}

/** `limitMs`: after this long, clients give up. */
export async function startCrashScene(
  engine: Engine,
  deliveries: readonly Delivery[],
  limitMs: number,
): Promise<CrashScene> {
  await using stack = new AsyncDisposableStack()
  const points = stack.use(await openFaultPoints())
  const cluster = stack.use(await startCluster(engine, timeScale, { settings: accountsOf(engine) }))
  const dispatcher = stack.adopt(new Agent({ pipelining: 0 }), (agent) => agent.destroy())
  const posting = deliveries.filter(({ callback }) => callback).map(({ name }) => name)
  let posted = posting[0]!

  const supervise = (node: string, program: 'serve' | 'work', port: number, delivery: () => string): SupervisedNode => {
    const listen = { host: '127.0.0.1', port }
    const spawnLife = () => cluster.spawnNode(program, { node, listen, delivery: delivery() }, points.env)
    const { system } = cluster.settings
    return stack.use(superviseNode({ name: node, system, url: `http://127.0.0.1:${port}` }, spawnLife))
  }
  const worker =
    engine.executor === 'worker' ? supervise('worker-0', 'work', cluster.workerPort, () => posted) : undefined
  const apis = new Map<string, SupervisedNode>()
  for (const { name } of deliveries)
    apis.set(
      name,
      supervise(`api-${name}`, 'serve', await keepPort(), () => name),
    )

  const nodes = [...(worker ? [worker] : []), ...apis.values()]
  const ready = async (): Promise<void> => void (await Promise.all(nodes.map((node) => node.ready())))
  const owned = stack.move()
  const openReceiver = async () => owned.use(await openInbox('127.0.0.1', () => {}))
  return {
    ...openClients({ engine, cluster, token: cluster.token, apis, dispatcher, limitMs, openReceiver, posting }),
    cluster,
    points,
    nodes,
    executors: worker ? [worker] : nodes,
    post: async (kind) => {
      const wanted = kind === 'replay' ? posting[0]! : kind
      if (wanted === posted || !posting.includes(wanted)) return
      posted = wanted
      await worker?.restart()
    },
    posted: () => posted,
    ready,
    settled: async () => {
      for (let waits = 0; waits < 50 && (await points.pending()) > 0; waits++) await delay(20)
      await ready()
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
