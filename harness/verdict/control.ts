import type { Plan } from '../model/plan.ts'
import { percentOf } from '../core/percent.ts'
import type { CellResult } from '../model/results.ts'
import { worst } from './reasons.ts'

/** What a pattern has to reach unharmed, where no gate says it. */
const usualControl = 0.95

/**
 * A pattern that fails without faults shows nothing about faults. Its control may be below its gate, or below 95 %
 * where it has none. Then the cells of its other arms are INCONCLUSIVE at best. What is broken stays broken.
 */
export function weighAgainstControl(plan: Plan, cells: readonly CellResult[]): readonly CellResult[] {
  const failing = new Map(
    [...Map.groupBy(cells.filter(isControl), ({ cell }) => cell.pattern)].flatMap(([pattern, controls]) => {
      const why = whyFailing(plan, pattern, controls)
      return why === undefined ? [] : [[pattern, why] as const]
    }),
  )
  return cells.map((cell) => {
    const why = failing.get(cell.cell.pattern)
    if (why === undefined || isControl(cell)) return cell
    const reason = `${cell.cell.id}: ${why}`
    return { ...cell, verdict: worst([cell.verdict, 'INCONCLUSIVE']), reasons: [...cell.reasons, reason] }
  })
}

function isControl({ cell }: CellResult): boolean {
  return cell.faults.length === 0 && !cell.untouchedBy
}

function whyFailing(plan: Plan, pattern: string, controls: readonly CellResult[]): string | undefined {
  const judged = controls.filter(({ verdict }) => verdict !== 'INVALID')
  const [ok, n] = [judged.map(({ success }) => success.successes), judged.map(({ success }) => success.n)].map(sum)
  const { arm } = controls[0]!.cell
  const limits = plan.gates.filter((gate) => gate.pattern === pattern && gate.arm === arm && gate.metric === 'success')
  const limit = limits.length === 0 ? usualControl : Math.max(...limits.map(({ min }) => min))
  if (n === 0 || ok! / n! >= limit) return undefined
  const from = limits.length === 0 ? 'at least' : 'by its gate at least'
  return `its control ${arm} succeeded in ${ok} of ${n} without any fault, ${from} ${percentOf(limit, 6)} is needed to conclude anything`
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0)
}
