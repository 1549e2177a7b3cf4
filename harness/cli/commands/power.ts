import { textTable } from '../../core/text-table.ts'
import { exitCodes } from '../../core/errors.ts'
import { percentOf } from '../../core/numbers.ts'
import { visibleLine } from '../../core/visible.ts'
import { whyHopeless } from '../../stats/plan-design.ts'
import { gateLabel } from '../../model/gate-text.ts'
import { metricOf } from '../../model/metrics.ts'
import { pairsToTellApart } from '../../stats/power.ts'
import { type PlanOutlook, hopelessGates, lookAhead } from '../../plan/power.ts'
import type { CommandFile } from '../command.ts'
import { outputScreen, print } from '../output.ts'
import { shippedScenario } from '../arguments.ts'
import { planScenario, type ScenarioOptions, takesScenario } from '../scenario-arguments.ts'

const examples = `
Power is 80 %: four runs of five tell it. Intervals and tests are two-sided, at 95 and 5 %. Faults are those that hit several
tasks each, as far as a plan can tell.

Exits with 0, and with 2 where the plan has a gate that it can never settle.

Examples:
  outlast power ${shippedScenario('quickstart')}
  outlast power ${shippedScenario('engines')} --arms kill`

/** Success of one pattern below that of the other, in points. */
const differences = [0.2, 0.1, 0.05, 0.02, 0.01] as const

export default {
  name: 'power',
  summary: 'what a scenario can tell apart, and what its gates need',
  declare(command, { registry, done }) {
    takesScenario(command)
      .addHelpText('after', examples)
      .action(async (path: string, options: ScenarioOptions) => {
        const { plan } = await planScenario(path, options, registry)
        const outlook = lookAhead(plan, await registry.catalog())
        const parts = [
          visibleLine(`${plan.scenario}: ${plan.question}`),
          `What each pattern can show:\n${armsTable(outlook)}`,
          ...(outlook.pairs.length > 0 ? [`What can be told apart:\n${pairsTable(outlook)}`] : []),
          ...(plan.gates.length > 0 ? [`Gates:\n${gateLines(outlook)}`] : []),
          `Tasks that two patterns need each, where one fails wherever the other does:\n${neededTable()}`,
        ]
        print(`${parts.join('\n\n')}\n`)
        done(hopelessGates(outlook).length > 0 ? exitCodes.inconclusive : exitCodes.pass)
      })
  },
} satisfies CommandFile

function armsTable({ arms }: PlanOutlook): string {
  const heads = ['arm', 'pattern', 'tasks', 'faults', 'touched', 'can show at most', 'predicted', 'interval about']
  const rows = arms.map(({ arm, pattern, design, predicted, interval, highest }) => [
    arm,
    pattern,
    String(design.tasks),
    String(design.faults),
    design.faults > 0 ? percentOf(design.touched, 4) : '-',
    highest === undefined ? 'no interval: too few faults' : `>= ${percentOf(highest, 4)}`,
    predicted === undefined ? '-' : percentOf(predicted, 4),
    interval ? `${percentOf(interval[0], 4)} to ${percentOf(interval[1], 4)}` : '-',
  ])
  return table(heads, rows)
}

function pairsTable({ pairs }: PlanOutlook): string {
  const rows = pairs.map(({ arm, first, other, independent, shared }) => [
    arm,
    `${other} against ${first}`,
    points(independent),
    points(shared),
  ])
  return table(['arm', 'pair', 'smallest difference', 'if tasks share the fate of their fault'], rows)
}

function gateLines({ gates }: PlanOutlook): string {
  return gates
    .map((gate) => {
      const { pattern, arm } = gate.gate
      const fine = `${pattern} under ${arm}: ${gateLabel(gate.gate, 4)} can pass${whatIsShown(gate)}`
      return `  ${whyHopeless(gate) ?? fine}`
    })
    .join('\n')
}

function whatIsShown({ gate: { metric }, highest }: PlanOutlook['gates'][number]): string {
  if (highest === undefined) return ''
  return metricOf(metric).good === 'high'
    ? `: without any loss at least ${percentOf(highest, 4)} is shown`
    : `: without any of it at most ${percentOf(1 - highest, 4)} is shown`
}

function neededTable(): string {
  const needed = differences.map((difference) => String(pairsToTellApart(0, difference) ?? 'over a million'))
  return table(['difference', ...differences.map((difference) => `${difference * 100} points`)], [['tasks', ...needed]])
}

function points(difference: number | undefined): string {
  return difference === undefined ? 'none' : `${(difference * 100).toFixed(1)} points`
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const columns = heads.map((head) => ({ head, align: 'left' as const, spare: 0 }))
  return textTable(columns, rows, { ...outputScreen(), columns: Infinity })
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n')
}
