import type { CellPlan, Plan } from './plan.ts'

/**
 * Where `grace` is shorter than one takeover of the engine, or two where more than one fault may hit a task. Such tasks
 * are late by the scenario's own choice. One sentence per engine and tuning; `format` writes milliseconds.
 */
export function graceWarnings({ cells }: Pick<Plan, 'cells'>, format: (ms: number) => string): readonly string[] {
  const byEngine = Map.groupBy(cells.filter(isShort), ({ engine, tuning }) => `${engine} (${tuning})`)
  return [...byEngine].map(([engine, short]) => {
    const worst = short.reduce((a, b) => (b.takeoverMs! - b.graceMs > a.takeoverMs! - a.graceMs ? b : a))
    return warningOf(engine, worst, format)
  })
}

function isShort({ takeoverMs, graceMs, faults }: CellPlan): boolean {
  if (takeoverMs === undefined) return false
  return graceMs < takeoverMs || (faults.length > 1 && graceMs < 2 * takeoverMs)
}

function warningOf(engine: string, { takeoverMs: one = 0, graceMs }: CellPlan, format: (ms: number) => string): string {
  const needs = `${engine} may need up to ${format(one)} for one takeover and ${format(2 * one)} for two`
  const grace = `grace is ${format(graceMs)}`
  if (graceMs >= one) return `${needs}; ${grace}: a task that is interrupted twice may be late.`
  const gone = 2 * graceMs < one ? ', and its client may have given up' : ''
  return `${needs}; ${grace}: a task that is interrupted once may be late${gone}.`
}
