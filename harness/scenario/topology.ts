import type { CellPlan, LinkName } from '../model/plan.ts'
import type { NodeRole } from '../../patterns/contract/types/engine.ts'
import { planLinks, planNodes } from '../model/topology.ts'
import type { CatalogPattern } from './catalog.ts'
import type { FaultSpec } from './scenario.ts'

type Replicas = CellPlan['replicas']

/** How many nodes a pattern has in a role; 0 when it has no such role. */
export function countNodes({ engine }: CatalogPattern, role: NodeRole | 'executor', replicas: Replicas): number {
  const wanted = role === 'executor' ? engine.executor : role
  return planNodes({ services: engine.services, replicas }).filter((node) => node.role === wanted).length
}

/** Only a callback is dialled by a sender, although every engine could. */
function countLinks({ delivery, engine }: CatalogPattern, link: LinkName, replicas: Replicas): number {
  if (link === 'sender->receiver' && !delivery.callback) return 0
  const nodes = planNodes({ services: engine.services, replicas })
  return planLinks(nodes, { tools: '', receiver: '' }).filter(({ kind }) => kind === link).length
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
