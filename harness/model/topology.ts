import type { NodeRole, Service } from '../../patterns/contract/types/engine.ts'
import type { LinkName } from './plan.ts'
import type { DeployRequest } from './runtime.ts'

/** A node before it exists: who it is. */
export interface Planned {
  readonly name: string
  readonly role: NodeRole
  readonly ordinal: number
  readonly service: Service
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

/** What nodes dial and we do not run; `engine`: a server that is there already. */
export type Outside = DeployRequest['outside'] & { readonly engine?: string }

/** Every connection of the system under test. The replicated end gives the ordinal: workers share `worker->store`. */
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
