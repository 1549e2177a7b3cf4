import { metricOf } from '../model/metrics.ts'
import type { CellPlan, Plan } from '../model/plan.ts'
import type { Catalog } from '../scenario/catalog.ts'
import type { Aim } from '../scenario/presets.ts'
import { designOf, goodShare, type Outlook, outagesIn, outlooksOf } from '../stats/plan-design.ts'
import { highestLimit, isSettled, pairsShow } from '../stats/power.ts'

/** What is missing until a plan shows all that a preset wants: 0 where nothing is. What cannot be shown at all is one and more. */
export function shortfallOf(plan: Plan, aim: Aim | undefined, { workOf }: Pick<Catalog, 'workOf'>): number {
  if (!aim) return 0
  const idealMs = ({ profile, timeScale }: CellPlan): number => workOf(profile)!.idealMs / timeScale
  const ofGates = outlooksOf(plan, idealMs).map((outlook) => gapOfGate(outlook, aim))
  const groups = [...Map.groupBy(plan.cells, ({ pattern, arm }) => `${pattern}\n${arm}`).values()]
  const ofGroups = groups.map((cells) =>
    cells.some(({ faults }) => faults.length > 0)
      ? missing(faultsIn(cells), aim.faults)
      : missing(highestLimit(designOf(cells, idealMs(cells[0]!))) ?? 0, aim.shows),
  )
  return [...ofGates, ...ofGroups].reduce((a, b) => a + b, 0)
}

/** What holds for nearly all of the load, or draws per connection, cannot be made more. */
function faultsIn(cells: readonly CellPlan[]): number {
  const outages = outagesIn(cells)
  return outages > 0 ? outages : Infinity
}

function missing(there: number, wanted: number): number {
  return there >= wanted ? 0 : 1 + (wanted - there) / wanted
}

function gapOfGate({ gate, design, highest = 0, never }: Outlook, { loss }: Aim): number {
  if (never !== undefined) return 2
  if (metricOf(gate.metric).unit === 'points') return pairsShow(design, gate.max!, gate.confidence) ? 0 : 1
  const share = goodShare(gate)
  if (share === undefined) return 0
  const rate = 1 - loss * (1 - share)
  const isShown = highest >= share && (loss === 0 || isSettled(design, rate, share, gate.confidence))
  return isShown ? 0 : 1 + Math.max(0, share - highest)
}
