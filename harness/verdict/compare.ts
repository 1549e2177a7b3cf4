import type { Plan } from '../model/plan.ts'
import { blockMean } from '../stats/blocks.ts'
import { hodgesLehmann, signedRank } from '../stats/signed-rank.ts'
import { holm } from '../stats/holm.ts'
import { defaultConfidence, type Interval } from '../stats/intervals.ts'
import { newcombePaired, pairedDifference } from '../stats/paired-difference.ts'
import { quantile } from '../stats/quantiles.ts'
import { signFlip } from '../stats/sign-flip.ts'
import { normalCritical, studentCritical } from '../stats/special.ts'
import type { ComparedSide, Comparison, OverheadShift, SuccessDifference } from '../model/judgements.ts'
import type { CellResult } from '../model/results.ts'
import { overheadOf } from './overhead.ts'
import { matchCells, type Pair } from './pairs.ts'

/** With fewer, no interval over faults is claimed, and blocks are not the unit. */
const fewestUnits = 5

/** With fewer differing faults, how alike the fates within one fault are cannot be estimated from them. */
const fewestTelling = 3

/** What to hold against what. `cells` may be of two runs. */
export interface Matchup {
  readonly first: ComparedSide
  readonly second: ComparedSide
  readonly cells: { readonly first: readonly CellResult[]; readonly second: readonly CellResult[] }
}

/** Every match-up of one table: p-values are adjusted over all of them together. */
export function compareAll(matchups: readonly Matchup[]): readonly Comparison[] {
  const found = matchups.map((matchup) => compareOne(matchup))
  const adjusted = holm(found.flatMap(({ success, overhead }) => [success, overhead].flatMap((one) => one?.p ?? [])))
  let next = 0
  const adjust = <T extends { readonly p: number }>(one: T): T => ({ ...one, adjusted: adjusted[next++]! })
  return found.map(({ success, overhead, ...rest }) => {
    return { ...rest, ...(success && { success: adjust(success) }), ...(overhead && { overhead: adjust(overhead) }) }
  })
}

/** In every arm, each pattern against the first of the plan: their tasks, arrivals and faults are the same within a block. */
export function compareWithFirst(plan: Plan, cells: readonly CellResult[]): readonly Comparison[] {
  const [first, ...others] = new Set([...(plan.patterns ?? []), ...plan.cells.map(({ pattern }) => pattern)])
  if (first === undefined) return []
  const arms = [...new Set(plan.cells.map(({ arm }) => arm))]
  const planned = new Set(plan.cells.map(({ pattern, arm }) => `${pattern}.${arm}`))
  const both = (pattern: string, arm: string): boolean =>
    planned.has(`${first}.${arm}`) && planned.has(`${pattern}.${arm}`)
  return compareAll(
    arms.flatMap((arm) =>
      others
        .filter((pattern) => both(pattern, arm))
        .map((pattern) => ({
          first: { pattern: first, arm },
          second: { pattern, arm },
          cells: { first: cells, second: cells },
        })),
    ),
  )
}

/** One match-up by itself: nothing is adjusted. */
export function compareOne({ first, second, cells }: Matchup, confidence = defaultConfidence): Comparison {
  const { pairs, blocks, leftOut } = matchCells(first, second, cells)
  const overhead = compareOverhead(pairs, blocks, isQuotable(cells.first) && isQuotable(cells.second), confidence)
  return {
    first,
    second,
    blocks,
    leftOut,
    ...(pairs.length > 0 && { success: compareSuccess(pairs, blocks, confidence) }),
    ...(overhead && { overhead }),
  }
}

function isQuotable(cells: readonly CellResult[]): boolean {
  return cells.every(({ overhead }) => overhead.quotable)
}

function compareSuccess(pairs: readonly Pair[], blocks: number, confidence: number): SuccessDifference {
  const signs = pairs.map(({ first, second }) => Number(second.outcome === 'ok') - Number(first.outcome === 'ok'))
  const both = pairs.filter(({ first, second }) => first.outcome === 'ok' && second.outcome === 'ok').length
  const onlyFirst = signs.filter((sign) => sign < 0).length
  const onlySecond = signs.filter((sign) => sign > 0).length
  const counts = { both, onlyA: onlyFirst, onlyB: onlySecond, neither: pairs.length - both - onlyFirst - onlySecond }
  const units = unitsOf(pairs)
  const within = {
    interval: intervalOver(units, counts, confidence),
    p: signFlip(units.map(({ difference }) => difference)),
  }
  const { interval, p, overBlocks } = widenToBlocks(within, blockDifferences(pairs, signs), { blocks, confidence })
  return {
    pairs: pairs.length,
    both,
    onlyFirst,
    onlySecond,
    neither: counts.neither,
    difference: pairedDifference(counts),
    ...(interval && { interval: [Math.max(-1, interval[0]), Math.min(1, interval[1])] as const }),
    p,
    adjusted: p,
    basis: describeBasis(pairs, units, blocks, overBlocks),
  }
}

/** A pair, or all tasks of one fault: those that it hit on the first side, and those that it hit on the second. */
interface Unit {
  readonly name: string
  /** On the side that has more of them. */
  readonly tasks: number
  /** Losses of the first side minus those of the second. */
  readonly difference: number
  readonly shared: boolean
}

/**
 * Each task counts to the fault that its own side met. Where a fault hits other tasks on the other side, no grouping of
 * pairs keeps together what met one fate. Of two patterns that are alike, each unit could as well have changed sides.
 */
function unitsOf(pairs: readonly Pair[]): readonly Unit[] {
  const tasks = pairs.flatMap(({ first, second, faults }, i) => {
    const [ofFirst, ofSecond] = faults ?? [`alone/${i}`, `alone/${i}`]
    return [
      { name: ofFirst, side: 1, lost: first.outcome !== 'ok' },
      { name: ofSecond, side: -1, lost: second.outcome !== 'ok' },
    ]
  })
  return [...Map.groupBy(tasks, ({ name }) => name)].map(([name, group]) => {
    const ofFirst = group.filter(({ side }) => side === 1).length
    const most = Math.max(ofFirst, group.length - ofFirst)
    const difference = group.reduce((sum, { side, lost }) => sum + (lost ? side : 0), 0)
    return { name, tasks: most, difference, shared: most > 1 }
  })
}

/**
 * Newcombe's interval for as many pairs as the units are worth. The design effect counts tasks of one fault, with
 * Student's factor for few faults (Korn and Graubard, 1998). Where faults show little, they are taken as all or
 * nothing.
 */
function intervalOver(
  units: readonly Unit[],
  counts: Parameters<typeof newcombePaired>[0],
  confidence: number,
): Interval | undefined {
  const faults = units.filter(({ shared }) => shared)
  if (faults.length === 0) return newcombePaired(counts, confidence)
  if (faults.length < fewestUnits) return undefined
  const factor = (normalCritical(confidence) / studentCritical(confidence, faults.length - 1)) ** 2
  const { both, onlyA, onlyB, neither } = counts
  const worth = factor / designEffect(units, onlyA + onlyB)
  const worthy = { both: both * worth, onlyA: onlyA * worth, onlyB: onlyB * worth, neither: neither * worth }
  return newcombePaired(worthy, confidence)
}

/** `single`: what the squares would sum to, were every task alone. */
function designEffect(units: readonly Unit[], single: number): number {
  const faults = units.filter(({ shared }) => shared)
  if (faults.filter(({ difference }) => difference !== 0).length < fewestTelling) return likenSizes(faults)
  const squares = units.reduce((sum, { difference }) => sum + difference ** 2, 0)
  return Math.max(1, squares / single)
}

/** Were every fault's tasks all of one fate. */
function likenSizes(faults: readonly Unit[]): number {
  const tasks = faults.reduce((sum, fault) => sum + fault.tasks, 0)
  return faults.reduce((sum, fault) => sum + fault.tasks ** 2, 0) / tasks
}

function blockDifferences(pairs: readonly Pair[], signs: readonly number[]): readonly number[] {
  const members = pairs.map(({ repetition }, i) => ({ repetition, sign: signs[i]! }))
  return [...Map.groupBy(members, ({ repetition }) => repetition).values()].map((group) => {
    return group.reduce((sum, { sign }) => sum + sign, 0) / group.length
  })
}

interface Within {
  readonly interval: Interval | undefined
  readonly p: number
}

/** Where there are enough blocks, each is one observation; never surer than what is within them allows. */
function widenToBlocks(
  within: Within,
  differences: readonly number[],
  { blocks, confidence }: { readonly blocks: number; readonly confidence: number },
) {
  const over = blocks >= fewestUnits ? blockMean(differences, confidence) : undefined
  if (!over) return { ...within, overBlocks: false }
  const interval: Interval | undefined = within.interval && [
    Math.min(within.interval[0], over.interval[0]),
    Math.max(within.interval[1], over.interval[1]),
  ]
  return { interval, p: Math.max(within.p, over.p), overBlocks: true }
}

function describeBasis(pairs: readonly Pair[], units: readonly Unit[], blocks: number, overBlocks: boolean): string {
  const shared = new Set(units.filter((unit) => unit.shared).map(({ name }) => name))
  const faults = shared.size
  const alone = pairs.filter((pair) => !pair.faults?.some((fault) => shared.has(fault))).length
  const few = faults > 0 && faults < fewestUnits ? ': too few for an interval over faults' : ''
  const parts = [
    ...(faults > 0 ? [`${faults} fault${faults === 1 ? '' : 's'}${few}`] : []),
    ...(alone > 0 ? [`${alone} pair${alone === 1 ? '' : 's'} alone`] : []),
    ...(overBlocks ? [`${blocks} blocks`] : []),
    ...(blocks > 1 && !overBlocks ? [`${blocks} blocks are too few to be the unit`] : []),
  ]
  return parts.join('; ')
}

/** Timers on both sides tick in whole milliseconds; and 2 % of what is compared is no matter. */
const resolutionMs = 1
const practical = 0.02

function compareOverhead(
  pairs: readonly Pair[],
  blocks: number,
  quotable: boolean,
  confidence: number,
): OverheadShift | undefined {
  const untouched = pairs
    .filter(({ first, second }) => !first.exposed && !second.exposed)
    .map(({ repetition, first, second }) => ({ repetition, from: overheadOf(first), to: overheadOf(second) }))
  const clean = untouched.filter(({ from, to }) => Number.isFinite(from) && Number.isFinite(to))
  const differences = clean.map(({ from, to }) => to - from)
  const found = hodgesLehmann(differences, confidence)
  if (!found) return undefined
  const shifts = [...Map.groupBy(clean, ({ repetition }) => repetition).values()].map((block) => {
    return hodgesLehmann(block.map(({ from, to }) => to - from))!.shift
  })
  const within = { interval: found.interval, p: signedRank(differences) }
  const { interval, p } = widenToBlocks(within, shifts, { blocks: Math.min(blocks, shifts.length), confidence })
  const usual = quantile(
    clean.map(({ from }) => from),
    0.5,
  )!
  return {
    pairs: differences.length,
    ...(clean.length < untouched.length && { without: countWithout(untouched) }),
    shiftMs: found.shift,
    ...(interval && { interval }),
    p,
    adjusted: p,
    negligible: Math.abs(found.shift) <= Math.max(resolutionMs, practical * Math.abs(usual)),
    quotable,
  }
}

/** Who never saw a result took for ever: leaving that out must not look fast. */
function countWithout(untouched: readonly { readonly from: number; readonly to: number }[]) {
  const first = untouched.filter(({ from }) => from === Infinity).length
  return { first, secondAlone: untouched.filter(({ from, to }) => from < Infinity && to === Infinity).length }
}
