import { UsageError } from '../core/errors.ts'
import type { BaseRun } from '../model/base.ts'
import type { Checker } from '../model/checker.ts'
import { metricOf } from '../model/metrics.ts'
import type { Gate, Plan } from '../model/plan.ts'
import { readPlan, type RunFolder } from '../store/run-folder.ts'
import { planDifferences } from '../verdict/comparable.ts'
import { judgeFolder } from './judge.ts'

/**
 * The run that a plan's gates on a regression are held against, judged from its files. Rejects with UsageError where the plan has no
 * such gate, or where the base run had other work, other faults or another runtime: one line for each difference. `judgeFolder` says
 * what else there may be wrong with it.
 */
export async function openBaseRun(run: RunFolder, plan: Plan, checkers: readonly Checker[]): Promise<BaseRun> {
  const gates = gatesAgainst(plan)
  refuseOtherPlan(run.name, await readPlan(run), plan, gates)
  const { environment, cells, files, record = [] } = await judgeFolder(run, checkers)
  if (files === undefined) throw new UsageError(`--against: ${run.name} is no base: ${record.join(' ')}`)
  const isNeeded = ({ pattern, arm }: Pick<Gate, 'pattern' | 'arm'>): boolean =>
    gates.some((gate) => gate.pattern === pattern && gate.arm === arm)
  return { version: 1, run: run.name, environment, cells: cells.filter(({ cell }) => isNeeded(cell)) }
}

function gatesAgainst({ gates }: Plan): readonly Gate[] {
  const against = gates.filter(({ metric }) => metricOf(metric).against)
  if (against.length > 0) return against
  throw new UsageError(
    '--against: the scenario has no gate that compares runs; write regression or slowdown in one, or compare the two with outlast compare',
  )
}

function refuseOtherPlan(name: string, base: Plan, plan: Plan, gates: readonly Gate[]): void {
  const runtimes = base.runtime === plan.runtime ? [] : [`runtime: ${base.runtime} against ${plan.runtime}`]
  const judged = gates.filter(({ leftOut }) => leftOut === undefined)
  const found = judged.flatMap(({ pattern, arm }) => {
    const side = { pattern, arm }
    const differences = planDifferences({ side, results: { plan: base } }, { side, results: { plan } })
    return differences.map((what) => `${pattern} under ${arm}: ${what}`)
  })
  const problems = [...new Set([...runtimes, ...found])]
  if (problems.length === 0) return
  throw new UsageError([
    `--against: ${name} is no base for this plan; take its scenario, --seed ${base.seed} and its schedule.json, or another run`,
    ...problems,
  ])
}
