import { graceWarnings, summarizeNotApplicable, uncontrolledIn } from '../model/plan-remarks.ts'
import { targetWarnings } from '../model/target-remarks.ts'
import { allVisible } from '../core/visible.ts'
import { gateLabel, gateTerms } from '../model/gate-text.ts'
import { metricOf } from '../model/metrics.ts'
import type { Gate, Plan, PlannedFault } from '../model/plan.ts'
import { extractSchedule } from './schedule.ts'
import { formatTarget } from '../scenario/fault.ts'
import { formatDuration } from '../scenario/units.ts'

/** What `outlast plan` prints: the cells in their order, what is left out and why, and every firing. */
export function previewPlan(written: Plan): string {
  const plan = allVisible(written)
  const { scenario, question, seed, timeScale, runtime } = plan
  const head = [
    `${scenario}: ${question}`,
    `seed ${seed}, runtime ${runtime}, timeScale ${timeScale}${timeScale === 1 ? '' : ` (1s here is ${formatDuration(timeScale * 1000)} of the task's world)`}`,
  ]
  const parts = [
    head,
    previewPreset(plan),
    previewCells(plan),
    previewLeftOut(plan),
    [...targetWarnings(plan), ...graceWarnings(plan, formatDuration)].map((warning) => `Warning: ${warning}`),
    previewGates(plan),
    previewSchedule(plan),
  ]
  return `${parts
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`
}

function previewPreset({ preset }: Plan): readonly string[] {
  return preset ? [`Preset ${preset.name} chose:`, ...preset.chose.map((sentence) => `  ${sentence}`)] : []
}

function previewCells({ cells }: Plan): readonly string[] {
  if (cells.length === 0) return ['No cell can run.']
  const rows = cells.map((cell) => [
    String(cell.block),
    cell.id,
    cell.ownWork ? 'your own service' : `${cell.delivery}+${cell.engine}`,
    String(cell.tasks),
    `${cell.load.arrivals} ${Number(cell.load.ratePerSec.toPrecision(3))}/s`,
    formatDuration(cell.graceMs),
    String(cell.faults.length),
  ])
  const blocks = new Set(cells.map(({ block }) => block)).size
  return [
    `${cells.length} cells in ${blocks} blocks; the cells of a block run side by side:`,
    ...table([['block', 'cell', 'pattern', 'tasks', 'load', 'grace', 'firings'], ...rows]),
  ]
}

function previewLeftOut(plan: Plan): readonly string[] {
  const whole = summarizeNotApplicable(plan).map(({ what, why }) => `  n/a  ${what}: ${why}`)
  const parts = plan.cells.flatMap(({ id, untouchedBy = [], ...cell }) => [
    ...untouchedBy.map(({ fault, reason }) => `  ${id} is not touched by ${fault}: ${reason}`),
    ...uncontrolledIn(cell).map((line) => `  ${id} has no ${line}`),
  ])
  const lines = [...whole, ...parts]
  return lines.length > 0 ? ['Left out:', ...lines] : []
}

function previewGates({ gates, timeScale }: Plan): readonly string[] {
  if (gates.length === 0) return []
  const lines = gates.map((gate) => {
    const notes = [
      gateTerms(gate),
      ownTime(gate, timeScale),
      gate.leftOut && `left out by ${gate.leftOut}: cannot be judged`,
    ]
    const told = notes.filter(Boolean).join('; ')
    return `  ${gate.pattern} under ${gate.arm}: ${gateLabel(gate, 6)}${told && ` (${told})`}`
  })
  return ['Gates:', ...lines]
}

/** A limit that was written in the task's own time is shown in real time, as reports have it. */
function ownTime({ metric, max = 0 }: Gate, timeScale: number): string {
  const isScaled = metricOf(metric).scaled && timeScale !== 1
  return isScaled ? `${formatDuration(max * timeScale)} of the task's world` : ''
}

function previewSchedule(plan: Plan): readonly string[] {
  const lines = extractSchedule(plan).arms.flatMap(({ arm, repetition, faults }) => [
    `  ${arm}, repetition ${repetition}: ${describeCount(faults.length)}`,
    ...table(faults.map((fault) => ['  ', ...describeFiring(fault)])),
  ])
  return lines.length > 0 ? ['Fault schedule, in real time since the load started:', ...lines] : []
}

function describeCount(firings: number): string {
  if (firings === 0) return 'nothing happens'
  return firings === 1 ? '1 firing' : `${firings} firings`
}

function describeFiring({ id, trigger, target, durationMs, params }: PlannedFault): readonly string[] {
  const given = Object.entries(params).map(([key, value]) => `${key}=${String(value)}`)
  return [describeTrigger(trigger), id, formatTarget(target), `for ${formatDuration(durationMs)}`, given.join(' ')]
}

function describeTrigger(trigger: PlannedFault['trigger']): string {
  if (trigger.kind === 'time') return formatDuration(trigger.atMs)
  const what = trigger.kind === 'accepted' ? 'the acceptance' : `step ${trigger.step}`
  return `${formatDuration(trigger.delayMs)} after ${what} of task ${trigger.task}`
}

function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows.map((row) => `  ${row.map((text, column) => text.padEnd(widths[column]!)).join('  ')}`.trimEnd())
}
