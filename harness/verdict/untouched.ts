import { noticeMs } from '../analysis/lateness.ts'
import { mcnemarExact } from '../stats/paired-difference.ts'
import { quantile } from '../stats/quantiles.ts'
import type { CellResult, RunVerdict, TaskRow } from '../model/results.ts'
import { worst } from './reasons.ts'
import { failuresOf, hasBurst, hasFailed, isDoubtful, isWorse, level, type Pair } from './untouched-losses.ts'

/**
 * A control of the machine that needs no kernel. Arms share their seeds. Task 17 of a cell is the same work, intended
 * at the same moment, as task 17 of the pattern's cell without faults. Where no fault came near a task, it must fare
 * alike in both. Where it does not, beyond chance, something is wrong. The rules say with whom:
 * - Tasks that were due before the first fault took effect fare worse: no fault can be the cause. The cell is
 *   INVALID.
 * - Tasks that were under way then on other nodes fare worse, although those that the fault touched fare better. The
 *   cell is INVALID, too: a system that broke when the fault struck breaks at least for the touched ones.
 * - The control fares worse: nobody harmed it. The control is INVALID; for one long row of losses it is INCONCLUSIVE.
 * - Else the fault may have left a system half broken, which is the pattern's affair, or the machine was sick
 *   afterwards. Nothing tells them apart, unless the machine's own watch does: the cell is INCONCLUSIVE at best, and
 *   what failed stays failed.
 *
 * Losses come in rows: a moment that is bad for one task is bad for its neighbours. So what is held against chance are
 * stretches of the load and not tasks. One long row is held against the rows that the other side has. Left out are exposed tasks, and tasks begun between a fault's onset and a grace
 * after its heal. They may meet a queue that the fault left. A task that should have been seen before any fault since it
 * began is compared in any case: one that was lost before lingers, and meets faults that found it dead.
 */
export function withUntouchedCompared(cells: readonly CellResult[]): readonly CellResult[] {
  const found = new Map<CellResult, Finding>()
  for (const harmed of cells) {
    const control = controlOf(harmed, cells)
    const finding = control && compare(harmed, control)
    if (finding && found.get(finding.cell)?.verdict !== 'INVALID') found.set(finding.cell, finding)
  }
  return cells.map((cell) => (found.has(cell) ? withFinding(cell, found.get(cell)!) : cell))
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

interface Finding {
  readonly cell: CellResult
  readonly verdict: Extract<RunVerdict, 'INVALID' | 'INCONCLUSIVE'>
  readonly sentence: string
}

const leastRatio = 2

function compare(harmed: CellResult, control: CellResult): Finding | undefined {
  const toldMs = toldWithinMs(control)
  const pairs = untouchedPairs(harmed, control, toldMs)
  const onset = Math.min(...harmed.faults.map(({ armedAt = Infinity }) => armedAt))
  const due = pairs.filter(({ harmed: { intendedAt, idealMs } }) => intendedAt + idealMs + toldMs <= onset)
  const begun = pairs.filter(({ harmed: { intendedAt } }) => intendedAt < onset)
  const sick =
    isWorse(due, 'harmed') || hasBurst(due, 'harmed', control.tasks)
      ? due
      : isWorse(begun, 'harmed') && !didBreak(harmed, begun)
        ? begun
        : undefined
  if (sick) return { cell: harmed, verdict: 'INVALID', sentence: `${blame}: ${harmedWords(sick)}` }
  if (isWorse(pairs, 'control'))
    return { cell: control, verdict: 'INVALID', sentence: `${blame}: ${controlWords(pairs, harmed)}` }
  const slow = slower(begun, pairs, harmed, control)
  if (slow) return slow
  const after = pairs.slice(begun.length)
  const groups = [pairs, after, begun]
  const odd =
    groups.find((some) => isWorse(some, 'harmed')) ?? [...groups, due].find((some) => isDoubtful(some, control.tasks))
  if (odd) return { cell: harmed, verdict: 'INCONCLUSIVE', sentence: `${doubt}: ${harmedWords(odd)}` }
  if (!hasBurst(pairs, 'control', harmedRows(pairs))) return undefined
  return { cell: control, verdict: 'INCONCLUSIVE', sentence: `${ownOrSick}: ${controlWords(pairs, harmed)}` }
}

/** How long after it was due a task is seen where nothing is broken: twice as long as nearly all of the control's, or a notice. */
function toldWithinMs({ cell, tasks }: CellResult): number {
  const overheads = tasks.flatMap((task) => overheadOf(task) ?? [])
  const usual = quantile(overheads, 0.99) ?? Infinity
  return Math.min(cell.graceMs, Math.max(noticeMs(cell), 2 * usual))
}

function untouchedPairs(harmed: CellResult, control: CellResult, toldMs: number): readonly Pair[] {
  const byOrdinal = new Map(control.tasks.map((task) => [task.ordinal, task]))
  return harmed.tasks
    .flatMap((task) => {
      const other = byOrdinal.get(task.ordinal)
      const same = other?.intendedAt === task.intendedAt && other.idealMs === task.idealMs
      const compared = same && isDecided(task) && isDecided(other) && isFarFromFaults(task, harmed, toldMs)
      return compared ? [{ harmed: task, control: other }] : []
    })
    .toSorted((a, b) => a.harmed.ordinal - b.harmed.ordinal)
}

function harmedRows(pairs: readonly Pair[]): readonly TaskRow[] {
  return pairs.map((pair) => pair.harmed)
}

/** What was never sent, or cut off by the end of the run, says nothing. */
function isDecided({ outcome }: TaskRow): boolean {
  return outcome !== 'not_offered' && (outcome as string) !== 'cut'
}

/** Nothing of it can have met the fault, nor what the fault left behind. */
function isFarFromFaults(task: TaskRow, { cell, faults }: CellResult, toldMs: number): boolean {
  const { exposed, intendedAt, idealMs } = task
  const seenBy = intendedAt + idealMs + toldMs
  if (exposed && faults.some(({ armedAt = Infinity }) => armedAt >= intendedAt && armedAt < seenBy)) return false
  return !faults.some(({ armedAt = Infinity, healedAt = Infinity }) => {
    return intendedAt >= armedAt && intendedAt < healedAt + cell.graceMs
  })
}

/** Of those that the fault touched at least half as many failed: then it broke more than it touched. */
function didBreak({ tasks }: CellResult, pairs: readonly Pair[]): boolean {
  const exposed = tasks.filter((task) => task.exposed)
  if (exposed.length === 0) return false
  return exposed.filter(hasFailed).length / exposed.length >= failuresOf(pairs, 'harmed') / pairs.length / 2
}

const blame = 'the machine or the harness, not the pattern'
const ownOrSick = 'nothing tells what the pattern does by itself from a sick machine'
const doubt = 'nothing tells what the fault left behind from a sick machine'

function harmedWords(pairs: readonly Pair[]): string {
  const [inHarmed, inControl, n] = [failuresOf(pairs, 'harmed'), failuresOf(pairs, 'control'), pairs.length]
  return `${inHarmed} of ${n} tasks that no fault touched failed; with the same seeds ${inControl} of ${n} did in the control`
}

function controlWords(pairs: readonly Pair[], { cell }: CellResult): string {
  const [inHarmed, inControl, n] = [failuresOf(pairs, 'harmed'), failuresOf(pairs, 'control'), pairs.length]
  return `${inControl} of ${n} tasks of the control failed; with the same seeds ${inHarmed} of ${n} did in the arm ${cell.arm}, where no fault touched them`
}

/** A system that is slow after a fault was measured; one that is slow before it, or without any, was not. */
function slower(
  begun: readonly Pair[],
  pairs: readonly Pair[],
  harmed: CellResult,
  control: CellResult,
): Finding | undefined {
  const inHarmed = compareLatency(begun, harmed)
  if (inHarmed?.side === 'harmed') return { cell: harmed, verdict: 'INVALID', sentence: inHarmed.sentence }
  const inControl = compareLatency(pairs, harmed)
  return inControl?.side === 'control' ? { cell: control, verdict: 'INVALID', sentence: inControl.sentence } : undefined
}

/** Medians of those pairs that both have their result: twice as long, and by more than the clock of a busy machine tells apart. */
function compareLatency(
  pairs: readonly Pair[],
  harmed: CellResult,
): { readonly side: keyof Pair; readonly sentence: string } | undefined {
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
  return { side: slower === 0 ? 'harmed' : 'control', sentence: `${blame}: ${what}` }
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

function withFinding(cell: CellResult, { verdict, sentence }: Finding): CellResult {
  const reason = `${cell.cell.id}: ${sentence}`
  const reasons = verdict === 'INVALID' ? [reason, ...cell.reasons] : [...cell.reasons, reason]
  return { ...cell, verdict: worst([verdict, cell.verdict]), reasons }
}
