import type { CellPlan, LinkName, NodeRole } from '../model/plan.ts'
import type { Engine } from '../model/types.ts'
import type { CatalogPattern } from './catalog.ts'
import type { FaultSpec } from './scenario.ts'

type Replicas = CellPlan['replicas']

/** How many nodes a pattern has in a role; 0 when it has no such role. */
export function countNodes({ engine }: CatalogPattern, role: NodeRole | 'executor', replicas: Replicas): number {
  const wanted = role === 'executor' ? engine.executor : role
  const services = engine.services.filter((service) => service.role === wanted)
  return services.reduce((sum, service) => sum + resolveReplicas(service.replicas, replicas), 0)
}

function resolveReplicas(count: Engine['services'][number]['replicas'], replicas: Replicas): number {
  return typeof count === 'number' ? count : replicas[count]
}

/** How many links of a kind a pattern has: one per node that is dialled, one in all towards what is outside. */
function countLinks(pattern: CatalogPattern, link: LinkName, replicas: Replicas): number {
  const { delivery, engine } = pattern
  const dials = (role: NodeRole | undefined, what: NodeRole | 'tools' | 'receiver'): boolean =>
    engine.services.some((service) => (role ? service.role === role : true) && service.dials.includes(what))
  if (link === 'client->api') return countNodes(pattern, 'api', replicas)
  if (link === 'sender->receiver') return delivery.callback && dials(undefined, 'receiver') ? 1 : 0
  if (link === 'worker->tools') return dials(undefined, 'tools') ? 1 : 0
  const [from, to] = link.split('->') as [NodeRole, NodeRole]
  return dials(from, to) ? countNodes(pattern, to, replicas) : 0
}

/** Why a fault cannot touch a pattern, or undefined when it can. */
export function whyUntouched(spec: FaultSpec, pattern: CatalogPattern, replicas: Replicas): string | undefined {
  const { target } = spec
  const what = target.kind === 'node' ? target.role : target.link
  const count =
    target.kind === 'node' ? countNodes(pattern, target.role, replicas) : countLinks(pattern, target.link, replicas)
  if (count === 0) return `${pattern.name} has no ${what}`
  if (typeof target.ordinal === 'number' && target.ordinal >= count)
    return `${pattern.name} has no ${what}-${target.ordinal}: ${count === 1 ? 'its only one is' : 'they are'} ${what}-0${count > 1 ? ` to ${what}-${count - 1}` : ''}`
  return undefined
}
