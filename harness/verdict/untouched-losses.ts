import type { TaskRow } from '../model/results.ts'
import { mcnemarExact } from '../stats/paired-difference.ts'
import { mcnemarInRows, rowLength } from '../stats/rows.ts'
import { signFlip } from '../stats/sign-flip.ts'

/** A task that no fault touched, and the same task of the control. */
export interface Pair {
  readonly harmed: TaskRow
  readonly control: TaskRow
}

export const level = 0.01
const leastDifference = 0.02
/** From here on even one long row of losses is more than a pattern that works has by itself. */
const hugeDifference = 1 / 3
/** One row of losses is one moment, however long: where that is all there is, it takes more to be sure. */
const burstLevel = 0.001
const leastBurst = 10
/** Nobody is blamed for a row that is not several times as long as this, though the other side had none. */
const shortestRow = 3

export function hasFailed({ outcome }: TaskRow): boolean {
  return outcome !== 'ok'
}

export function failuresOf(pairs: readonly Pair[], side: keyof Pair): number {
  return pairs.filter((pair) => hasFailed(pair[side])).length
}

/** That side has more failures than the other, in more stretches of the load than chance gives. */
export function isWorse(pairs: readonly Pair[], side: keyof Pair): boolean {
  const other = side === 'harmed' ? 'control' : 'harmed'
  const difference = failuresOf(pairs, side) - failuresOf(pairs, other)
  if (difference <= 0 || difference < leastDifference * pairs.length) return false
  return signFlip(stretchesOf(pairs).map((stretch) => failuresOf(stretch, side) - failuresOf(stretch, other))) < level
}

/** Long enough that what made neighbours fail together is mostly within one, and enough of them to tell. */
const stretches = 10

function stretchesOf(pairs: readonly Pair[]): readonly (readonly Pair[])[] {
  return Array.from({ length: stretches }, (_, i) => {
    const at = (part: number): number => Math.round((part * pairs.length) / stretches)
    return pairs.slice(at(i), at(i + 1))
  })
}

/** That side lost far more tasks than rows of losses, as long as the other side's own, account for. */
export function hasBurst(pairs: readonly Pair[], side: keyof Pair, others: readonly TaskRow[]): boolean {
  return isBurst(pairs, side, Math.max(shortestRow, rowLength(inOrder(others).map(hasFailed))))
}

/** Too many losses to pass, though one long row of them may be chance. */
export function isDoubtful(pairs: readonly Pair[], control: readonly TaskRow[]): boolean {
  return isHuge(pairs) || isBurst(pairs, 'harmed', rowLength(inOrder(control).map(hasFailed)))
}

function isBurst(pairs: readonly Pair[], side: keyof Pair, length: number): boolean {
  const { more, fewer } = discordant(pairs, side)
  if (more - fewer < Math.max(leastBurst, leastDifference * pairs.length)) return false
  return mcnemarInRows({ more, fewer }, length) < burstLevel
}

function isHuge(pairs: readonly Pair[]): boolean {
  const { more, fewer } = discordant(pairs, 'harmed')
  if (more - fewer < hugeDifference * pairs.length) return false
  return mcnemarExact({ onlyA: more, onlyB: fewer }) < level
}

function discordant(pairs: readonly Pair[], side: keyof Pair): { readonly more: number; readonly fewer: number } {
  const other = side === 'harmed' ? 'control' : 'harmed'
  const only = (one: keyof Pair, two: keyof Pair): number =>
    pairs.filter((pair) => hasFailed(pair[one]) && !hasFailed(pair[two])).length
  return { more: only(side, other), fewer: only(other, side) }
}

function inOrder(tasks: readonly TaskRow[]): readonly TaskRow[] {
  return tasks.toSorted((a, b) => a.ordinal - b.ordinal)
}
