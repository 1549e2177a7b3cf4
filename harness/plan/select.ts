import { didYouMean } from '../core/did-you-mean.ts'
import { UsageError } from '../core/errors.ts'
import type { CellPlan, Plan, Selection } from '../model/plan.ts'
import type { Scenario } from '../scenario/scenario.ts'

/**
 * A part of a plan: cells keep their seeds and faults, so that each is what it is in the whole. Published numbers about what
 * is left out are left out too; gates stay, and say that they cannot be judged.
 */
export function selectCells(
  plan: Plan,
  scenario: Pick<Scenario, 'patterns' | 'arms'>,
  { patterns, arms }: Selection,
): Plan {
  const armNames = scenario.arms.map(({ name }) => name)
  const problems = [...unknown('pattern', patterns, scenario.patterns), ...unknown('arm', arms, armNames)]
  if (problems.length > 0) throw new UsageError(problems)
  const selection = { ...(patterns && { patterns }), ...(arms && { arms }) }
  const keep = (cell: CellName): boolean => whyLeftOut(cell, selection) === undefined
  const { cells, notApplicable, gates, published } = plan
  return {
    ...plan,
    cells: cells.filter(keep),
    notApplicable: notApplicable.filter(keep),
    gates: gates.map((gate) => (keep(gate) ? gate : { ...gate, leftOut: whyLeftOut(gate, selection)! })),
    published: published.filter(keep),
    ...((patterns || arms) && { selection }),
  }
}

type CellName = Pick<CellPlan, 'pattern' | 'arm'>

/** The option that leaves a cell out, or undefined for a cell that is in. */
function whyLeftOut({ pattern, arm }: CellName, { patterns, arms }: Selection): string | undefined {
  if (patterns && !patterns.includes(pattern)) return '--patterns'
  return arms && !arms.includes(arm) ? '--arms' : undefined
}

function unknown(what: string, asked: readonly string[] | undefined, there: readonly string[]): readonly string[] {
  return (asked ?? [])
    .filter((name) => !there.includes(name))
    .map((name) => `the scenario has no ${what} "${name}"${didYouMean(name, there)}; its ${what}s: ${there.join(', ')}`)
}
