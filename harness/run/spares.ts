import type { CellPlan, PlannedFault } from '../core/plan.ts'
import type { Engine, Fault } from '../core/types.ts'

type Ours = 'api' | 'worker'

/**
 * By role, the most nodes that faults of the cell end at one moment: so many are to come back at once. None where nothing ends
 * a node, as a spare takes memory for nothing there.
 */
export function countSpares(
  cell: Pick<CellPlan, 'faults' | 'replicas'>,
  engine: Pick<Engine, 'executor' | 'services'>,
  faults: ReadonlyMap<string, Pick<Fault, 'needs' | 'ownLength'>>,
): Readonly<Record<Ours, number>> {
  const moments = Object.values(Object.groupBy(cell.faults, ({ trigger }) => JSON.stringify(trigger)))
  const most = (role: Ours): number => {
    const nodes = countNodes(role, cell, engine)
    const victims = ({ fault, target }: PlannedFault): number => {
      if (target.kind !== 'node' || (target.role === 'executor' ? engine.executor : target.role) !== role) return 0
      return Math.min(nodes, endedAtOnce(target.ordinal, faults.get(fault), nodes))
    }
    const sums = moments.map((some) => some!.reduce((sum, one) => sum + victims(one), 0))
    return Math.min(nodes, Math.max(0, ...sums))
  }
  return { api: most('api'), worker: most('worker') }
}

/** A fault with a length of its own takes its nodes one after the other. */
function endedAtOnce(ordinal: unknown, fault: Pick<Fault, 'needs' | 'ownLength'> | undefined, nodes: number): number {
  if (!fault?.needs.some((need) => need === 'kill' || need === 'stop')) return 0
  return ordinal === 'all' && !fault.ownLength ? nodes : 1
}

function countNodes(
  role: Ours,
  { replicas }: Pick<CellPlan, 'replicas'>,
  { services }: Pick<Engine, 'services'>,
): number {
  const counts = services
    .filter((service) => service.role === role)
    .map((service) => (typeof service.replicas === 'number' ? service.replicas : replicas[service.replicas]))
  return counts.reduce((a, b) => a + b, 0)
}
