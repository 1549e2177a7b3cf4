import type { CellPlan, PlannedFault } from '../model/plan.ts'
import { planNodes } from '../model/topology.ts'
import type { Engine } from '../../patterns/contract/types/engine.ts'
import type { Fault } from '../model/fault.ts'
import type { SpareNeed } from '../model/runtime.ts'

type Ours = 'api' | 'worker'

/** A waiting one takes memory, a starting one processor time from who is under load: most cells need no more than these. */
const mostAhead = 8

/** How many nodes of each role faults end, and how many spares wait for them: all, or at least those of one moment. */
export function countSpares(
  cell: Pick<CellPlan, 'faults' | 'replicas'>,
  engine: Pick<Engine, 'executor' | 'services'>,
  faults: ReadonlyMap<string, Pick<Fault, 'needs' | 'ownLength'>>,
): Readonly<Record<Ours, SpareNeed>> {
  const moments = Object.values(Object.groupBy(cell.faults, ({ trigger }) => JSON.stringify(trigger)))
  const planned = planNodes({ services: engine.services, replicas: cell.replicas })
  const needOf = (role: Ours): SpareNeed => {
    const nodes = planned.filter((node) => node.role === role).length
    const victims = ({ fault, target }: PlannedFault): number => {
      if (target.kind !== 'node' || (target.role === 'executor' ? engine.executor : target.role) !== role) return 0
      return Math.min(nodes, endedAtOnce(target.ordinal, faults.get(fault), nodes))
    }
    const sums = moments.map((some) => some!.reduce((sum, one) => sum + victims(one), 0))
    const together = Math.min(nodes, Math.max(0, ...sums))
    const inAll = cell.faults.reduce((sum, one) => sum + victims(one) * (isLong(faults.get(one.fault)) ? nodes : 1), 0)
    return { ahead: Math.min(inAll, Math.max(together, mostAhead)), inAll }
  }
  return { api: needOf('api'), worker: needOf('worker') }
}

function endedAtOnce(ordinal: unknown, fault: Pick<Fault, 'needs' | 'ownLength'> | undefined, nodes: number): number {
  if (!fault?.needs.some((need) => need === 'kill' || need === 'stop')) return 0
  return ordinal === 'all' && !isLong(fault) ? nodes : 1
}

/** A fault with a length of its own takes its nodes one after the other. */
function isLong(fault: Pick<Fault, 'ownLength'> | undefined): boolean {
  return fault?.ownLength ?? false
}
