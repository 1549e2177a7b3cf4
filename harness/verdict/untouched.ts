import { mcnemarExact } from '../stats/paired.ts'
import { quantile } from '../stats/quantiles.ts'
import type { CellResult, TaskRow } from '../store/schema.ts'
import { worst } from './reasons.ts'

/**
 * A control of the machine that needs no kernel. Arms share their seeds: task 17 of a cell is the same work, intended at the same
 * moment, as task 17 of the pattern's cell without faults. Where no fault came near a task, it must fare alike in both. Where it
 * does not, beyond chance, whichever cell fared worse is INVALID: the machine or the harness did that, and not the pattern.
 *
 * Left out of the comparison are exposed tasks, and tasks begun from a fault's onset until a grace after its heal: they may meet a queue
 * that the fault left. Where hardly anything succeeded from the first onset on, the system did not come back, which is the pattern's
 * affair: then only tasks that were due before it are compared.
 */
export function withUntouchedCompared(cells: readonly CellResult[]): readonly CellResult[] {
  const sick = new Map<CellResult, string>()
  for (const harmed of cells) {
    const control = controlOf(harmed, cells)
    const finding = control && compare(harmed, control)
    if (finding) sick.set(finding.worse, finding.sentence)
  }
  return cells.map((cell) => (sick.has(cell) ? invalidated(cell, sick.get(cell)!) : cell))
}

/** The cell of the same pattern and repetition under no fault; undefined for one that is a control itself, or invalid. */
function controlOf(harmed: CellResult, cells: readonly CellResult[]): CellResult | undefined {
  if (isControl(harmed) || harmed.verdict === 'INVALID') return undefined
  return cells.find(
    (one) =>
      isControl(one) &&
      one.verdict !== 'INVALID' &&
      one.cell.pattern === harmed.cell.pattern &&
      one.cell.repetition === harmed.cell.repetition,
  )
}

function isControl({ cell }: CellResult): boolean {
  return cell.faults.length === 0 && !cell.untouchedBy
}

interface Pair {
  readonly harmed: TaskRow
  readonly control: TaskRow
}

interface Finding {
  readonly worse: CellResult
  readonly sentence: string
}

const level = 0.01
const leastDifference = 0.02
const leastRatio = 2

function compare(harmed: CellResult, control: CellResult): Finding | undefined {
  const pairs = untouchedPairs(harmed, control)
  return compareSuccess(pairs, harmed, control) ?? compareLatency(pairs, harmed, control)
}

function untouchedPairs(harmed: CellResult, control: CellResult): readonly Pair[] {
  const stuck = isStuck(harmed)
  const byOrdinal = new Map(control.tasks.map((task) => [task.ordinal, task]))
  return harmed.tasks.flatMap((task) => {
    const other = byOrdinal.get(task.ordinal)
    const same = other?.intendedAt === task.intendedAt && other.idealMs === task.idealMs
    return same && isDecided(task) && isDecided(other) && isFarFromFaults(task, stuck, harmed)
      ? [{ harmed: task, control: other }]
      : []
  })
}

/** What was never sent, or cut off by the end of the run, says nothing. */
function isDecided({ outcome }: TaskRow): boolean {
  return outcome !== 'not_offered' && (outcome as string) !== 'cut'
}

/** Nothing of it can have met the fault, nor what the fault left behind. */
function isFarFromFaults(
  { exposed, intendedAt, idealMs }: TaskRow,
  stuck: boolean,
  { cell, faults }: CellResult,
): boolean {
  if (exposed) return false
  return !faults.some(({ armedAt = Infinity, healedAt = Infinity }) =>
    stuck ? intendedAt + idealMs > armedAt : intendedAt >= armedAt && intendedAt < healedAt + cell.graceMs,
  )
}

/** Hardly anything that began after the first onset succeeded, although the fault did not touch it. */
function isStuck({ tasks, faults }: CellResult): boolean {
  const onset = Math.min(...faults.map(({ armedAt = Infinity }) => armedAt))
  const after = tasks.filter(({ exposed, intendedAt }) => !exposed && intendedAt >= onset)
  return after.length > 0 && after.filter(({ outcome }) => outcome === 'ok').length < stuckBelow * after.length
}

const stuckBelow = 0.1

function compareSuccess(pairs: readonly Pair[], harmed: CellResult, control: CellResult): Finding | undefined {
  const failed = (side: keyof Pair): number => pairs.filter((pair) => pair[side].outcome !== 'ok').length
  const onlyHarmed = pairs.filter((pair) => pair.harmed.outcome !== 'ok' && pair.control.outcome === 'ok').length
  const onlyControl = pairs.filter((pair) => pair.control.outcome !== 'ok' && pair.harmed.outcome === 'ok').length
  if (Math.abs(onlyHarmed - onlyControl) < leastDifference * pairs.length) return undefined
  if (mcnemarExact({ onlyA: onlyHarmed, onlyB: onlyControl }) >= level) return undefined
  const [inHarmed, inControl, n] = [failed('harmed'), failed('control'), pairs.length]
  if (onlyHarmed > onlyControl)
    return {
      worse: harmed,
      sentence: `${blame}: ${inHarmed} of ${n} tasks that no fault touched failed; with the same seeds ${inControl} of ${n} did in the control`,
    }
  return {
    worse: control,
    sentence: `${blame}: ${inControl} of ${n} tasks of the control failed; with the same seeds ${inHarmed} of ${n} did in the arm ${harmed.cell.arm}, where no fault touched them`,
  }
}

const blame = 'the machine or the harness, not the pattern'

/** Medians of those pairs that both have their result: twice as long, and by more than the clock of a busy machine tells apart. */
function compareLatency(pairs: readonly Pair[], harmed: CellResult, control: CellResult): Finding | undefined {
  const seen = pairs.flatMap((pair) => {
    const [a, b] = [overheadOf(pair.harmed), overheadOf(pair.control)]
    return a === undefined || b === undefined ? [] : [[a, b] as const]
  })
  const medians = [0, 1].map(
    (side) =>
      quantile(
        seen.map((pair) => pair[side]!),
        0.5,
      ) ?? 0,
  ) as [number, number]
  const slower = medians[0] > medians[1] ? 0 : 1
  const [long, short] = [medians[slower]!, medians[1 - slower]!]
  if (long < leastRatio * Math.max(short, 0) || long - short < resolutionMs(harmed)) return undefined
  const longer = seen.filter((pair) => pair[slower]! > pair[1 - slower]!).length
  const shorter = seen.filter((pair) => pair[slower]! < pair[1 - slower]!).length
  if (mcnemarExact({ onlyA: longer, onlyB: shorter }) >= level || longer < shorter) return undefined
  const what = `the median overhead of ${seen.length} tasks that no fault touched is ${ms(medians[0])}; with the same seeds it is ${ms(medians[1])} in the control`
  return { worse: slower === 0 ? harmed : control, sentence: `${blame}: ${what}` }
}

/** A twentieth of the grace: less decides nothing; but never less than two timers, nor more than a quarter of a second. */
function resolutionMs({ cell }: CellResult): number {
  return Math.min(250, Math.max(20, cell.graceMs / 20))
}

function overheadOf({ seenAt, intendedAt, idealMs }: TaskRow): number | undefined {
  return seenAt === undefined ? undefined : seenAt - intendedAt - idealMs
}

function ms(value: number): string {
  return `${Math.round(value)} ms`
}

function invalidated(cell: CellResult, sentence: string): CellResult {
  const verdict = worst(['INVALID', cell.verdict])
  return { ...cell, verdict, reasons: [`${cell.cell.id}: ${sentence}`, ...cell.reasons] }
}
