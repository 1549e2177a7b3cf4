import type { CellPlan } from './plan.ts'

export type CellTraits = NonNullable<CellPlan['traits']>

/** As the plan says; of a plan that does not, as the engines and deliveries of its time were. */
export function traitsOf({ traits, engine, delivery }: Pick<CellPlan, 'traits' | 'engine' | 'delivery'>): CellTraits {
  if (traits) return traits
  const inOneProcess = engine === 'memory'
  return {
    executor: inOneProcess ? 'api' : 'worker',
    inOneProcess,
    resubmits: delivery === 'sync',
    callback: delivery.startsWith('webhook'),
  }
}
