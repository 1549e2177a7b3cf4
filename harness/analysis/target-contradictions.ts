import type { CellPlan, PlannedFault, Target } from '../model/plan.ts'
import { linksAmong, nodesAmong, type Place, placeNames } from '../model/place.ts'
import { nodeOf, roleOf } from './places.ts'
import type { CellTrace, FaultTrace } from './trace.ts'

type Planned = Pick<PlannedFault, 'target' | 'trigger'>

/** Why a fault cannot have been where it is recorded, by its plan. What never took effect was nowhere. */
export function whyElsewhere(
  { target: places, armedAt }: FaultTrace,
  planned: Planned | undefined,
  trace: CellTrace,
): string | undefined {
  if (!planned || armedAt === undefined) return undefined
  const { target } = planned
  const isRight = target.kind === 'link' ? areLinks(target, places) : areNodes(target, places, trace)
  const isThere = isRight && isTrigger(planned, places, trace)
  return isThere ? undefined : `was on ${placeNames(places)}, and planned on ${nameOf(target)}`
}

function nameOf(target: Target): string {
  return `${target.kind === 'node' ? target.role : target.link}-${target.ordinal}`
}

/** Links are named by their kind and their number. */
function areLinks({ link, ordinal }: Extract<Target, { kind: 'link' }>, places: readonly Place[]): boolean {
  const links = linksAmong(places)
  const isOfKind = links.every((name) => name === link || roleOf(name) === link)
  return isOfKind && links.length === places.length && isOrdinal(ordinal, links, 1)
}

function areNodes(
  { role, ordinal }: Extract<Target, { kind: 'node' }>,
  places: readonly Place[],
  trace: CellTrace,
): boolean {
  const nodes = nodesAmong(places)
  const roles = role === 'executor' ? executorsOf(trace.cell) : [role]
  const isOfRole = nodes.every((node) => (roles as readonly string[]).includes(roleOf(node)))
  return isOfRole && nodes.length === places.length && isOrdinal(ordinal, nodes, countSeen(trace, roles))
}

function executorsOf(cell: CellPlan | undefined): readonly string[] {
  return cell?.traits ? [cell.traits.executor] : ['api', 'worker']
}

/** At least so many nodes of these roles are there: the record names them. */
function countSeen({ nodes, tasks }: CellTrace, roles: readonly string[]): number {
  const named = new Set(nodes.map(({ value }) => value.node))
  for (const { effects } of tasks) for (const { value } of effects) named.add(nodeOf(value.executor))
  return Math.max(1, ...[...named].filter((node) => roles.includes(roleOf(node))).map((node) => numberOf(node) + 1))
}

/** Ordinals wrap around, at a number of nodes that nobody wrote down. */
function isOrdinal(ordinal: Target['ordinal'], names: readonly string[], atLeast: number): boolean {
  if (typeof ordinal !== 'number') return ordinal === 'all' || names.length === 1
  const [name, ...more] = names
  if (name === undefined || more.length > 0) return false
  const number = numberOf(name)
  for (let count = Math.max(atLeast, number + 1); count <= ordinal; count++) if (ordinal % count === number) return true
  return number === ordinal
}

function numberOf(name: string): number {
  return Number(/-(\d+)$/.exec(name)?.[1] ?? 0)
}

/** Who did the step, or accepted the task, that set it off. */
function isTrigger({ target, trigger }: Planned, places: readonly Place[], trace: CellTrace): boolean {
  if (target.ordinal !== 'of-step' || trigger.kind !== 'step' || !trace.complete) return true
  const task = trace.tasks.find(({ intent }) => intent.ordinal === trigger.task - 1)
  const done = task?.effects.filter(({ value }) => value.step === trigger.step) ?? []
  return nodesAmong(places).every((node) => done.some(({ value }) => nodeOf(value.executor) === node))
}
