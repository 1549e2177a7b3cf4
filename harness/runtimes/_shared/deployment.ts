import type { Link } from '../../model/link.ts'
import type { Deployment } from '../../model/runtime.ts'
import type { Service } from '../../../patterns/contract/types/engine.ts'
import type { Pod } from './pod.ts'
import { serverOf } from './servers.ts'
import { HarnessError } from '../../core/errors.ts'
import type { Planned, PlannedLink } from '../../model/topology.ts'

/** A planned node whose address is known. */
export interface Placed extends Planned {
  readonly host: string
  /** What the other nodes dial. */
  readonly port: number
  /** Administration, where the program has any. */
  readonly controlPort: number
  /** For talk between the program's own parts. */
  readonly innerPorts?: readonly number[]
}

export function straightLink({ name, kind, ordinal }: Omit<PlannedLink, 'to'>, upstream: string): Link {
  const impair = async (): Promise<never> => {
    throw new HarnessError(`${name} leads straight to ${upstream}: nothing stands where it could be impaired`)
  }
  return { name, kind, ordinal, url: `http://${upstream}`, impair }
}

/** Where a node connects for each role that it dials, as environment variables (`patterns/contract/settings.ts`). */
export function addressBook(
  node: Placed,
  nodes: readonly Placed[],
  urlOf: (link: string) => string | undefined,
  login: (address: string) => string,
): Record<string, string> {
  const engine = nodes.find(({ role }) => role === 'engine')
  const inward = nodes
    .filter(({ service }) => service.dials.includes(node.role))
    .map(({ role }) => urlOf(`${role}->${node.role}-${node.ordinal}`))
  const store = urlOf(`${node.role}->store-0`)
  const book: Record<string, string | undefined> = {
    OUTLAST_STORE_URL: store && login(new URL(store).host),
    OUTLAST_ENGINE_URL: urlOf(`${node.role}->engine-0`),
    OUTLAST_ENGINE_CONTROL_URL: engine && `http://${engine.host}:${engine.controlPort}`,
    OUTLAST_API_URL: urlOf(`${node.role}->api-0`),
    OUTLAST_WORKER_URL: urlOf(`${node.role}->worker-0`),
    OUTLAST_ADVERTISED_URL: inward[0],
    OUTLAST_TOOLS_URL: node.service.dials.includes('tools') ? urlOf('worker->tools-0') : undefined,
  }
  return Object.fromEntries(Object.entries(book).filter((entry): entry is [string, string] => entry[1] !== undefined))
}

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
