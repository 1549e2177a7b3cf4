import type { Link } from '../../model/link.ts'
import type { Deployment } from '../../model/runtime.ts'
import type { Service } from '../../../patterns/contract/types/engine.ts'
import type { Pod } from './pod.ts'
import { serverOf } from './servers.ts'

/** In this order each finds what it dials ready. The API comes last, so that who sees it can use it. */
const startOrder = ['store', 'engine', 'worker', 'api'] as const

/** Start nodes and wait until each is ready. With `stack` they end in the other order: before the servers that they dial. */
export async function startInOrder(
  nodes: readonly Pod[],
  stack: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<void> {
  const each = async (role: string, act: (node: Pod) => Promise<void>): Promise<void> => {
    await Promise.all(nodes.filter((node) => node.role === role).map(act))
  }
  for (const role of startOrder) stack.defer(() => each(role, (node) => node.dispose()))
  for (const role of startOrder) await each(role, (node) => node.start(signal))
}

export interface DeploymentParts {
  readonly nodes: readonly Pod[]
  readonly links: readonly Link[]
  /** Of its logs. */
  readonly folder: string
  /** The database, if there is one: which server, and its address with credentials, which crosses no fault point. */
  readonly store?: { readonly service: Service; readonly url: string } | undefined
}

/** What was started, as its cell sees it. It owns what `stack` owned. */
export function openDeployment(
  { nodes, links, folder, store }: DeploymentParts,
  stack: AsyncDisposableStack,
): Deployment {
  const owned = stack.move()
  const diskCost = store && serverOf(store.service).service.store?.diskCost
  return {
    nodes,
    links,
    ...(diskCost && { diskCost: () => diskCost(store.url) }),
    ailing: () => {
      const down = nodes.find((node) => !node.running)
      return down && `${down.name} is not running; see its log in ${folder}`
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
