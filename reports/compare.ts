import type { ComparedSide, Comparison, OverheadShift, SuccessDifference } from '../harness/model/judgements.ts'
import { isTooMany, unseenIn, unseenText } from '../harness/model/overhead-shift.ts'
import type { RunResults } from '../harness/model/results.ts'
import { count, duration } from './numbers.ts'
import type { Column } from '../harness/core/text-table.ts'

/** Differences as text: a row per comparison that has any figure. */
export interface ComparisonTable {
  readonly heads: readonly string[]
  readonly rows: readonly (readonly string[])[]
  /** What was not compared, and why. */
  readonly notes: readonly string[]
}

/** What the columns mean, in one line under the table. */
export const comparisonMeaning =
  'Matched task by task: the same seeds, arrivals and faults. Success in points, more is better, with the paired interval of Newcombe; ' +
  'alone: tasks that this one alone got right, and the other alone. Overhead, less is better: Hodges-Lehmann over pairs that no fault ' +
  'touched. p: exact McNemar, the tasks of one fault as one, and signed ranks; after Holm over the table. An interval is of its row alone; the finding is by p.'

const figures = ['pairs', 'success', '95 % interval', 'alone', 'p', 'overhead', '95 % interval', 'p', 'finding']

/** How a screen shows them: where it is narrow, overhead goes before success. */
export function comparisonColumns(heads: readonly string[]): readonly Column[] {
  const spares = [2, 0, 1, 0, 1, 3, 4, 3, 0]
  return heads.map((head, i) => ({ head, align: 'left', spare: spares[i - heads.length + spares.length] ?? 0 }))
}

/** Against the first pattern of the run; undefined where there is no other. */
export function firstPatternTable({ comparisons = [] }: RunResults): (ComparisonTable & { first: string }) | undefined {
  const [one] = comparisons
  if (!one) return undefined
  const rows = comparisons
    .filter(hasFigures)
    .map((comparison) => [comparison.second.arm, comparison.second.pattern, ...fields(comparison)])
  const told = rows.map((row, i) => (i > 0 && rows[i - 1]![0] === row[0] ? ['', ...row.slice(1)] : row))
  return { first: one.first.pattern, heads: ['under', 'pattern', ...figures], rows: told, notes: notesOf(comparisons) }
}

/** Of any two sides. */
export function comparisonTable(comparisons: readonly Comparison[]): ComparisonTable {
  const rows = comparisons.filter(hasFigures).map((comparison) => [comparisonName(comparison), ...fields(comparison)])
  return { heads: ['what', ...figures], rows, notes: notesOf(comparisons) }
}

/** `polling.kill against webhook.kill`; the same of two runs is named once. */
export function comparisonName({ first, second }: Comparison): string {
  const [one, other] = [first, second].map(({ pattern, arm }) => `${pattern}.${arm}`)
  return one === other ? one! : `${other} against ${one}`
}

export function sideName({ run, pattern, arm }: ComparedSide): string {
  return `${run === undefined ? '' : `${run}:`}${pattern}.${arm}`
}

function hasFigures({ success }: Comparison): boolean {
  return success !== undefined
}

function fields(comparison: Comparison): readonly string[] {
  const { success, overhead } = comparison
  return [
    ...(success ? successFields(success) : ['–', '–', '–', '–', '–']),
    ...(overhead ? overheadFields(overhead) : ['–', '–', '–']),
    findingOf(comparison),
  ]
}

function successFields({ pairs, difference, interval, onlyFirst, onlySecond, adjusted }: SuccessDifference) {
  return [
    count(pairs),
    `${points(difference)} points`,
    interval ? `[${points(interval[0])}, ${points(interval[1])}]` : 'too few faults',
    `${count(onlySecond)} : ${count(onlyFirst)}`,
    pText(adjusted),
  ]
}

function overheadFields({ shiftMs, interval, adjusted }: OverheadShift) {
  return [
    signed(shiftMs, duration(Math.abs(shiftMs))),
    interval ? `[${interval.map((end) => signed(end, duration(Math.abs(end)))).join(', ')}]` : '–',
    pText(adjusted),
  ]
}

/** `+5.9`; a difference that rounds to nothing and is not nothing keeps its digits. */
function points(share: number): string {
  const size = Math.abs(share * 100)
  const digits = size === 0 || size >= 0.05 ? 1 : 3
  return signed(share, size.toFixed(digits))
}

function signed(value: number, size: string): string {
  return value === 0 ? size : `${value > 0 ? '+' : '-'}${size}`
}

/** A p-value is never shown as nothing. */
export function pText(p: number): string {
  if (p < 0.001) return '<0.001'
  return p > 0.9995 ? '1' : p.toFixed(3)
}

/** After Holm over all comparisons beside it. */
const level = 0.05

/** What the figures say, in words: never "alike", for that was not shown. */
export function findingOf({ success, overhead }: Comparison): string {
  const found = [
    success && success.adjusted < level && (success.difference > 0 ? 'more succeed' : 'fewer succeed'),
    overhead && isShown(overhead) && !isOfFew(overhead) && paceOf(overhead),
  ].filter((word) => typeof word === 'string')
  return found.length === 0 ? 'no difference shown' : found.join(', ')
}

function isShown({ adjusted, negligible }: OverheadShift): boolean {
  return adjusted < level && !negligible
}

function paceOf({ shiftMs }: OverheadShift): string {
  return shiftMs > 0 ? 'slower' : 'faster'
}

/** Who lost the others is not faster for it. */
function isOfFew(overhead: OverheadShift): boolean {
  const { pairs, of } = unseenIn(overhead)
  return isTooMany(pairs, of)
}

const mostNotes = 4

/** Each reason once: the first pattern's own is the same for all of its rows. */
function notesOf(comparisons: readonly Comparison[]): readonly string[] {
  const reasons = [...new Set(comparisons.flatMap(({ leftOut }) => leftOut))]
  const shown = reasons.slice(0, mostNotes).map((reason) => `not compared: ${reason}`)
  const more = reasons.length > mostNotes ? [`not compared: ${reasons.length - mostNotes} more cells`] : []
  return [...shown, ...more, ...notesOfFew(comparisons)]
}

function notesOfFew(comparisons: readonly Comparison[]): readonly string[] {
  const few = comparisons.filter(({ overhead }) => overhead && isShown(overhead) && isOfFew(overhead))
  return few
    .slice(0, mostNotes)
    .map((one) => `overhead of ${comparisonName(one)}: no finding, as ${unseenText(unseenIn(one.overhead!))}`)
}
