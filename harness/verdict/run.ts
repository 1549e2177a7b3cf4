import { type ExitCode, exitCodes } from '../core/errors.ts'
import { type Gate, limitOf, type Plan } from '../model/plan.ts'
import { unmeasuredBy, type Verification } from '../model/verification.ts'
import type { BaseRun } from '../model/base.ts'
import { effectOf } from '../model/gate-effect.ts'
import type { GateResult } from '../model/judgements.ts'
import {
  type CellResult,
  type Environment,
  resultsVersion,
  type RunResults,
  type RunVerdict,
} from '../model/results.ts'
import { judgeClaims } from './claims.ts'
import { machineDifferences } from './comparable.ts'
import { compareWithFirst } from './compare.ts'
import { describeGate, judgeGate } from './gates.ts'
import { summarizeRecovery } from './recovery.ts'
import { rank, worst } from './reasons.ts'
import { withUntouchedCompared } from './untouched.ts'
import { percentOf } from '../core/numbers.ts'

export interface JudgedCells {
  readonly run: string
  readonly plan: Plan
  readonly environment: Environment
  readonly verification?: Verification | undefined
  readonly cells: readonly CellResult[]
  /** Of the run that gates on a regression are held against. */
  readonly base?: BaseRun | undefined
}

/**
 * The whole run: the worst of its cells and gates, and of what the patterns did against the contract. A planned cell without a
 * result, or a control that fails, makes it at least INCONCLUSIVE. A cell whose untouched tasks fare otherwise than in the
 * control is INVALID. Claims are compared and never change the verdict.
 */
export function judgeRun({ run, plan, environment, verification, cells: judged, base }: JudgedCells): RunResults {
  const cells = weighAgainstControl(plan, withUntouchedCompared(judged))
  const gates = plan.gates.map((gate) =>
    judgeGate(gate, cells, base && { ...base, elsewhere: machineDifferences(base.environment, environment) }),
  )
  const findings = rank([
    ...cells.map(({ verdict, reasons }) => ({ verdict, reasons })),
    ...missingCells(plan, cells, verification),
    ...gates.map(fromGate),
  ])
  return {
    version: resultsVersion,
    run,
    plan,
    environment,
    ...(verification && { verification }),
    cells,
    recovery: summarizeRecovery(cells),
    claims: judgeClaims(plan, cells),
    comparisons: compareWithFirst(plan, cells),
    gates,
    verdict: worst(findings.map(({ verdict }) => verdict)),
    reasons: findings.flatMap(({ reasons }) => reasons),
  }
}

const codes: Readonly<Record<RunVerdict, ExitCode>> = {
  PASS: exitCodes.pass,
  FAIL: exitCodes.fail,
  INCONCLUSIVE: exitCodes.inconclusive,
  INVALID: exitCodes.invalid,
}

export function exitCodeOf({ verdict }: Pick<RunResults, 'verdict'>): ExitCode {
  return codes[verdict]
}

interface Finding {
  readonly verdict: RunVerdict
  readonly reasons: readonly string[]
}

const verdictOf = { none: 'PASS', warning: 'PASS', open: 'INCONCLUSIVE', fails: 'FAIL' } as const

/** What only warns, or is allowed, is among the reasons too: the last of them. */
function fromGate(gate: GateResult): Finding {
  return { verdict: verdictOf[effectOf(gate)], reasons: gate.verdict === 'PASS' ? [] : [describeGate(gate)] }
}

/** A pattern that breaks the contract fails the run; any other cell without a result leaves it open. */
function missingCells(
  plan: Plan,
  cells: readonly CellResult[],
  verification: Verification | undefined,
): readonly Finding[] {
  if (plan.cells.length + cells.length === 0)
    return [{ verdict: 'INCONCLUSIVE', reasons: [`${plan.scenario}: it has no cell, so nothing was judged`] }]
  const judged = new Set(cells.map(({ cell }) => cell.id))
  const unmeasured = unmeasuredBy(verification)
  const broken = new Set(unmeasured.map(({ pattern }) => pattern))
  const missing = plan.cells.filter(({ id, pattern }) => !judged.has(id) && !broken.has(pattern))
  return [
    ...unmeasured.map(({ pattern, reason }): Finding => ({ verdict: 'FAIL', reasons: [`${pattern}: ${reason}`] })),
    ...missing.map(({ id }): Finding => {
      return { verdict: 'INCONCLUSIVE', reasons: [`${id}: it was planned and has no result`] }
    }),
  ]
}

/** What a pattern has to reach unharmed, where no gate says it. */
const usualControl = 0.95

/**
 * A pattern that fails without faults shows nothing about faults. Its control may be below its gate, or below 95 %
 * where it has none. Then the cells of its other arms are INCONCLUSIVE at best, and so where --arms left the control out.
 * What is broken stays broken.
 */
function weighAgainstControl(plan: Plan, cells: readonly CellResult[]): readonly CellResult[] {
  const failing = new Map(
    [...Map.groupBy(cells, ({ cell }) => cell.pattern)].flatMap(([pattern, own]) => {
      const unharmed = own.filter(isControl)
      const why = unharmed.length > 0 ? whyFailing(plan, pattern, controlsAmong(unharmed)) : undefined
      return why === undefined ? [] : [[pattern, why] as const]
    }),
  )
  return cells.map((cell) => {
    // What is no PASS needs no control to be what it is.
    const missing = cell.verdict === 'PASS' ? whyNoControl(plan, cell.cell.pattern) : undefined
    const why = failing.get(cell.cell.pattern) ?? missing
    if (why === undefined || isControl(cell)) return cell
    const reason = `${cell.cell.id}: ${why}`
    return { ...cell, verdict: worst([cell.verdict, 'INCONCLUSIVE']), reasons: [...cell.reasons, reason] }
  })
}

function isControl({ cell }: Pick<CellResult, 'cell'>): boolean {
  return cell.faults.length === 0 && !cell.untouchedBy
}

/**
 * Who leaves the control out asks for no verdict that needs one. Older plans do not say what a choice of arms left out: then
 * it was a control. One that was planned and is not there is missed elsewhere.
 */
function whyNoControl({ selection, cells }: Plan, pattern: string): string | undefined {
  const { arms, controlsLeftOut = ['none'] } = selection ?? {}
  const [control] = arms ? controlsLeftOut : []
  if (control === undefined || cells.some((cell) => cell.pattern === pattern && isControl({ cell }))) return undefined
  return `its control ${control} was left out by --arms, so nobody knows how it fares unharmed`
}

/** An arm of rare faults may have drawn none: where the plan has the arm `none`, that is the control. */
function controlsAmong(unharmed: readonly CellResult[]): readonly CellResult[] {
  const named = unharmed.filter(({ cell }) => cell.arm === 'none')
  return named.length > 0 ? named : unharmed
}

function whyFailing(plan: Plan, pattern: string, controls: readonly CellResult[]): string | undefined {
  const judged = controls.filter(({ verdict }) => verdict !== 'INVALID')
  const [ok, n] = [judged.map(({ success }) => success.successes), judged.map(({ success }) => success.n)].map(
    (values) => values.reduce((a, b) => a + b, 0),
  )
  const { arm } = controls[0]!.cell
  const limit = controlLimit(plan.gates.filter((gate) => gate.pattern === pattern && gate.arm === arm))
  if (n === 0 || ok! / n! >= limit) return undefined
  const from = limit === usualControl ? 'at least' : 'by its gate at least'
  return `its control ${arm} succeeded in ${ok} of ${n} without any fault, ${from} ${percentOf(limit, 6)} is needed to conclude anything`
}

/** By its gate on success. One that only warns may ask for less than what is usual, and not for more. */
function controlLimit(gates: readonly Gate[]): number {
  const onSuccess = gates.filter(({ metric }) => metric === 'success')
  const deciding = onSuccess.filter(({ severity }) => severity !== 'warn').map(limitOf)
  if (deciding.length > 0) return Math.max(...deciding)
  return Math.min(usualControl, ...onSuccess.map(limitOf))
}
