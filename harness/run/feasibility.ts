import { HarnessError, UsageError } from '../core/errors.ts'
import type { NotApplicable, Plan } from '../model/plan.ts'
import type { Engine } from '../../patterns/contract/types/engine.ts'
import type { Runtime } from '../model/runtime.ts'

/** The runtime of this name. Throws UsageError where there is none, HarnessError where this machine cannot use it. */
export async function usableRuntime(runtimes: ReadonlyMap<string, Runtime>, name: string): Promise<Runtime> {
  const runtime = runtimes.get(name)
  if (!runtime) throw new UsageError(`there is no runtime "${name}"; runtimes: ${[...runtimes.keys()].join(', ')}`)
  const reason = await runtime.probe()
  if (reason !== undefined) throw new HarnessError(`runtime ${name} cannot be used here: ${reason}`)
  return runtime
}

interface Known {
  readonly engines: ReadonlyMap<string, Pick<Engine, 'services'>>
  readonly runtimes: ReadonlyMap<string, Pick<Runtime, 'whyNot'>>
}

/**
 * The plan without cells whose engine the runtime cannot start here, for example because a server is not installed. They
 * become not applicable, with the reason. This depends on the machine, so a plan alone cannot tell.
 */
export async function leaveOutInfeasible(plan: Plan, { engines, runtimes }: Known): Promise<Plan> {
  const runtime = runtimes.get(plan.runtime)
  const names = [...new Set(plan.cells.map(({ engine }) => engine))]
  const asked = names.map(async (name) => [name, await runtime?.whyNot(engines.get(name)!.services)] as const)
  const reasons = new Map(await Promise.all(asked))
  const isFeasible = ({ engine }: { readonly engine: string }): boolean => reasons.get(engine) === undefined
  const left = plan.cells.filter((cell) => !isFeasible(cell))
  // One entry for all repetitions of an arm.
  const entries = new Map(
    left.map(({ pattern, arm, engine }): [string, NotApplicable] => {
      return [`${pattern}/${arm}`, { pattern, arm, reason: reasons.get(engine)! }]
    }),
  )
  return {
    ...plan,
    cells: plan.cells.filter(isFeasible),
    notApplicable: [...plan.notApplicable, ...entries.values()],
  }
}
