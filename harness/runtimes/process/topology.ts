import type { LinkName, NodeRole } from '../../core/plan.ts'
import type { DeployRequest, ServiceSpec } from '../../core/types.ts'

/** A node before it exists: who it is and where it will listen. */
export interface Placed {
  readonly name: string
  readonly role: NodeRole
  readonly ordinal: number
  readonly service: ServiceSpec
  readonly port: number
  readonly controlPort: number
}

export interface PlacedLink {
  readonly name: string
  readonly kind: LinkName
  readonly ordinal: number
  readonly upstream: string
}

const host = '127.0.0.1'

/** Give every replica of every service a name and two ports. */
export async function placeNodes(request: DeployRequest, port: () => Promise<number>): Promise<readonly Placed[]> {
  const placed: Placed[] = []
  for (const service of request.services) {
    const count = typeof service.replicas === 'number' ? service.replicas : request.replicas[service.replicas]
    for (let ordinal = 0; ordinal < count; ordinal++) {
      const name = `${service.role}-${ordinal}`
      placed.push({ name, role: service.role, ordinal, service, port: await port(), controlPort: await port() })
    }
  }
  return placed
}

/**
 * Every connection of the system under test, each with its fault point. The replicated end gives the ordinal:
 * there is one `client->api` per API node, and one `worker->store` for all workers.
 */
export function placeLinks(nodes: readonly Placed[], outside: DeployRequest['outside']): readonly PlacedLink[] {
  const links = new Map<string, PlacedLink>()
  const add = (kind: LinkName, ordinal: number, upstream: string): void => {
    const name = `${kind}-${ordinal}`
    links.set(name, { name, kind, ordinal, upstream })
  }
  for (const node of nodes) {
    if (node.role === 'api') add('client->api', node.ordinal, `${host}:${node.port}`)
    for (const dialled of node.service.dials) {
      if (dialled === 'tools') add('worker->tools', 0, outside.tools)
      else if (dialled === 'receiver') add('sender->receiver', 0, outside.receiver)
      else
        for (const target of nodes.filter(({ role }) => role === dialled))
          add(`${node.role}->${dialled}` as LinkName, target.ordinal, `${host}:${target.port}`)
    }
  }
  return [...links.values()]
}

/** Where a node connects for each role that it dials, as environment variables (`patterns/contract/settings.ts`). */
export function addressBook(
  node: Placed,
  nodes: readonly Placed[],
  urlOf: (link: string) => string | undefined,
  storeUrl: (through: string) => string,
): Record<string, string> {
  const engine = nodes.find(({ role }) => role === 'engine')
  const inward = nodes
    .filter(({ service }) => service.dials.includes(node.role))
    .map(({ role }) => urlOf(`${role}->${node.role}-${node.ordinal}`))
  const store = urlOf(`${node.role}->store-0`)
  const book: Record<string, string | undefined> = {
    OUTLAST_STORE_URL: store && storeUrl(store),
    OUTLAST_ENGINE_URL: urlOf(`${node.role}->engine-0`),
    OUTLAST_ENGINE_CONTROL_URL: engine && `http://${host}:${engine.controlPort}`,
    OUTLAST_ADVERTISED_URL: inward[0],
    OUTLAST_TOOLS_URL: node.service.dials.includes('tools') ? urlOf('worker->tools-0') : undefined,
  }
  return Object.fromEntries(Object.entries(book).filter((entry): entry is [string, string] => entry[1] !== undefined))
}
