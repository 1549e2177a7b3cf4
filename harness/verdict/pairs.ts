import type { ComparedSide } from '../model/judgements.ts'
import type { CellResult, TaskRow } from '../model/results.ts'
import { occasionsOf } from './proportion.ts'

/** The same work under both sides. */
export interface Pair {
  readonly repetition: number
  readonly first: TaskRow
  readonly second: TaskRow
  /** What hit the first side, and the second; both are the same where one side alone was hit. Absent: this pair is alone. */
  readonly faults?: readonly [string, string]
}

export interface Matched {
  readonly pairs: readonly Pair[]
  readonly blocks: number
  readonly leftOut: readonly string[]
}

/** The repetitions of both sides, task by task; cells that show nothing are left out with the reason. */
export function matchCells(
  first: ComparedSide,
  second: ComparedSide,
  cellsOf: { readonly first: readonly CellResult[]; readonly second: readonly CellResult[] },
): Matched {
  const [a, b] = [byRepetition(first, cellsOf.first), byRepetition(second, cellsOf.second)]
  const repetitions = [...new Set([...a.keys(), ...b.keys()])].toSorted((x, y) => x - y)
  const matched = repetitions.map((repetition) => {
    const sides = [a.get(repetition), b.get(repetition)] as const
    const [one, other] = sides
    const reasons = [
      whyUseless(nameOf(first, repetition), one),
      ...(one && one === other ? [] : [whyUseless(nameOf(second, repetition), other)]),
      one && other && whyOtherWork(nameOf(second, repetition), one, other),
    ].filter((reason) => reason !== undefined)
    return { pairs: one && other && reasons.length === 0 ? matchTasks(one, other) : [], reasons }
  })
  return {
    pairs: matched.flatMap(({ pairs }) => pairs),
    blocks: matched.filter(({ pairs }) => pairs.length > 0).length,
    leftOut: matched.flatMap(({ reasons }) => reasons),
  }
}

function byRepetition({ pattern, arm }: ComparedSide, cells: readonly CellResult[]): ReadonlyMap<number, CellResult> {
  const own = cells.filter(({ cell }) => cell.pattern === pattern && cell.arm === arm)
  return new Map(own.map((one) => [one.cell.repetition, one]))
}

function nameOf({ run, pattern, arm }: ComparedSide, repetition: number): string {
  return `${run === undefined ? '' : `${run}: `}${pattern}.${arm}.${repetition}`
}

function whyUseless(name: string, cell: CellResult | undefined): string | undefined {
  if (!cell) return `${name} was not carried out`
  const { verdict, reasons } = cell
  if (verdict === 'PASS' || verdict === 'FAIL') return undefined
  // The first of what may be a list. The whole list follows below the verdict.
  const reason = reasons[0]?.replace(`${cell.cell.id}: `, '').split('; ')[0]
  return `${name} is ${verdict}${reason === undefined ? '' : `: ${reason}`}`
}

/** The plans may say the same, and one kind of work may be another than it was: one odd task, and no pair is one. */
function whyOtherWork(name: string, first: CellResult, second: CellResult): string | undefined {
  const others = new Map(second.tasks.map((task) => [task.ordinal, task]))
  const odd = first.tasks.filter((task) => {
    const other = others.get(task.ordinal)
    return other && !isSameWork(task, other, first.cell.seed === second.cell.seed)
  })
  if (odd.length === 0) return undefined
  return `${name}: ${odd.length} of its ${second.tasks.length} tasks are other work than those that they would be held against`
}

/** One seed gives one arrival to both. */
function isSameWork(one: TaskRow, other: TaskRow, sameSeed: boolean): boolean {
  return one.idealMs === other.idealMs && (!sameSeed || one.intendedAt === other.intendedAt)
}

/** How these would have ended is unknown. */
const undecided: ReadonlySet<string> = new Set(['cut', 'not_offered'])

function matchTasks(first: CellResult, second: CellResult): readonly Pair[] {
  const { repetition } = first.cell
  const others = new Map(second.tasks.map((task) => [task.ordinal, task]))
  const [ofFirst, ofSecond] = [occasionsOf(first.cell), occasionsOf(second.cell)]
  return first.tasks.flatMap((task) => {
    const other = others.get(task.ordinal)
    if (!other || undecided.has(task.outcome) || undecided.has(other.outcome)) return []
    const [one, theOther] = [task.episode && ofFirst(task.episode), other.episode && ofSecond(other.episode)]
    const hit = one ?? theOther
    const faults = hit && ([`${repetition}/${hit}`, `${repetition}/${theOther ?? hit}`] as const)
    return [{ repetition, first: task, second: other, ...(faults && { faults }) }]
  })
}
