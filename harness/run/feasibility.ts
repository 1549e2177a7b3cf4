import type { NotApplicable, Plan } from '../model/plan.ts'
import type { Engine, Runtime } from '../model/types.ts'

interface Known {
  readonly engines: ReadonlyMap<string, Pick<Engine, 'services'>>
  readonly runtimes: ReadonlyMap<string, Pick<Runtime, 'whyNot'>>
}

/**
 * A plan without the cells whose engine the runtime cannot start here, as a server that is not installed: they are not
 * applicable, with the reason, and no failure of the others. What is there is looked at now, so a plan alone cannot tell.
 */
export async function leaveOutImpossible(plan: Plan, { engines, runtimes }: Known): Promise<Plan> {
  const runtime = runtimes.get(plan.runtime)
  const names = [...new Set(plan.cells.map(({ engine }) => engine))]
  const asked = names.map(async (name) => [name, await runtime?.whyNot(engines.get(name)!.services)] as const)
  const reasons = new Map(await Promise.all(asked))
  const isPossible = ({ engine }: { readonly engine: string }): boolean => reasons.get(engine) === undefined
  const left = plan.cells.filter((cell) => !isPossible(cell))
  // One for all repetitions of an arm.
  const entries = new Map(
    left.map(({ pattern, arm, engine }): [string, NotApplicable] => {
      return [`${pattern}/${arm}`, { pattern, arm, reason: reasons.get(engine)! }]
    }),
  )
  return {
    ...plan,
    cells: plan.cells.filter(isPossible),
    notApplicable: [...plan.notApplicable, ...entries.values()],
  }
}
