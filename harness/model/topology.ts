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

/** A system as a picture of it needs to know it: pure data. */
export interface SystemShape {
  readonly nodes: readonly { readonly name: string; readonly role: NodeRole }[]
  readonly links: readonly LinkShape[]
}

/** Who may dial through a link, and what is at its end: names of nodes, or of what is outside (`client`, `tools`, `receiver`). */
export interface LinkShape {
  readonly name: string
  readonly from: readonly string[]
  readonly to: string
}

type Deployed = {
  readonly nodes: SystemShape['nodes']
  readonly links: readonly Pick<PlannedLink, 'name' | 'kind' | 'ordinal'>[]
}

/** The shape of what runs, given the services that it is made of: they say who dials what. */
export function shapeOf({ nodes, links }: Deployed, services: readonly Service[]): SystemShape {
  return {
    nodes: nodes.map(({ name, role }) => ({ name, role })),
    links: links.map(({ name, kind, ordinal }) => {
      const [left, right] = kind.split('->') as [string, string]
      const dialler = services.find(({ dials }) => dials.includes(right as NodeRole))?.role
      const from = nodes.filter(({ role }) => role === (isOutside(right) ? dialler : left)).map((node) => node.name)
      const node = nodes.find((one) => one.name === `${right}-${ordinal}`)
      return { name, from: left === 'client' ? ['client'] : from, to: node?.name ?? right }
    }),
  }
}

/** Its links are named for one dialler, whichever it is. */
function isOutside(what: string): boolean {
  return what === 'tools' || what === 'receiver'
}
