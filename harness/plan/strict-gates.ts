import { UsageError } from '../core/errors.ts'
import { gateLabel } from '../model/gate-text.ts'
import type { Gate, Plan } from '../model/plan.ts'

/** `--strict-gates`: throws UsageError with each gate that this plan cannot judge, or where it has none to judge. */
export function refuseGatesLeftOut(plan: Plan): void {
  if (plan.gates.length === 0) throw new UsageError('--strict-gates: the scenario has no gate')
  const problems = plan.gates.flatMap((gate) => {
    const why = whyLeftOut(gate, plan)
    return why === undefined
      ? []
      : [`${gate.pattern} under ${gate.arm}: ${gateLabel(gate)} would be left out by ${why}`]
  })
  if (problems.length > 0) throw new UsageError(['--strict-gates: not every gate can be judged', ...problems])
}

function whyLeftOut({ pattern, arm, leftOut }: Gate, { cells, notApplicable }: Plan): string | undefined {
  if (leftOut !== undefined) return leftOut
  if (cells.some((cell) => cell.pattern === pattern && cell.arm === arm)) return undefined
  const absent = notApplicable.find((cell) => cell.pattern === pattern && cell.arm === arm)
  return absent ? `what does not apply: ${absent.reason}` : 'a plan without its cells'
}
