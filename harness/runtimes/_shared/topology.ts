import { HarnessError } from '../../core/errors.ts'
import type { LinkName, NodeRole } from '../../model/plan.ts'
import type { Link } from '../../model/link.ts'
import type { DeployRequest, ServiceSpec } from '../../model/types.ts'

/** A node before it exists: who it is. */
export interface Planned {
  readonly name: string
  readonly role: NodeRole
  readonly ordinal: number
  readonly service: ServiceSpec
}

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

export interface PlannedLink {
  readonly name: string
  readonly kind: LinkName
  readonly ordinal: number
  /** The node that is dialled, or the `host:port` of something outside the system under test. */
  readonly to: { readonly node: string } | { readonly outside: string }
}

/** Every replica of every service. */
export function planNodes(request: Pick<DeployRequest, 'services' | 'replicas'>): readonly Planned[] {
  return request.services.flatMap((service) => {
    const count = typeof service.replicas === 'number' ? service.replicas : request.replicas[service.replicas]
    return Array.from({ length: count }, (_, ordinal) => {
      return { name: `${service.role}-${ordinal}`, role: service.role, ordinal, service }
    })
  })
}

/** A link without a fault point. */
export function straightLink({ name, kind, ordinal }: Omit<PlannedLink, 'to'>, upstream: string): Link {
  const impair = async (): Promise<never> => {
    throw new HarnessError(`${name} leads straight to ${upstream}: nothing stands where it could be impaired`)
  }
  return { name, kind, ordinal, url: `http://${upstream}`, impair }
}

/** What nodes dial and we do not run; `engine`: a server that is there already. */
export type Outside = DeployRequest['outside'] & { readonly engine?: string }

/**
 * Every connection of the system under test, each with its fault point. The replicated end gives the ordinal:
 * there is one `client->api` per API node, and one `worker->store` for all workers.
 */
export function planLinks(nodes: readonly Planned[], outside: Outside): readonly PlannedLink[] {
  const links = new Map<string, PlannedLink>()
  const add = (kind: LinkName, ordinal: number, to: PlannedLink['to']): void => {
    const name = `${kind}-${ordinal}`
    links.set(name, { name, kind, ordinal, to })
  }
  for (const node of nodes) {
    if (node.role === 'api') add('client->api', node.ordinal, { node: node.name })
    for (const dialled of node.service.dials) {
      if (dialled === 'tools') add('worker->tools', 0, { outside: outside.tools })
      else if (dialled === 'receiver') add('sender->receiver', 0, { outside: outside.receiver })
      else if (dialled === 'engine' && outside.engine !== undefined)
        add(`${node.role}->engine` as LinkName, 0, { outside: outside.engine })
      else
        for (const target of nodes.filter(({ role }) => role === dialled))
          add(`${node.role}->${dialled}` as LinkName, target.ordinal, { node: target.name })
    }
  }
  return [...links.values()]
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
    OUTLAST_ADVERTISED_URL: inward[0],
    OUTLAST_TOOLS_URL: node.service.dials.includes('tools') ? urlOf('worker->tools-0') : undefined,
  }
  return Object.fromEntries(Object.entries(book).filter((entry): entry is [string, string] => entry[1] !== undefined))
}
