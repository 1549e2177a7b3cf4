import { defaultConfidence, type Interval } from './intervals.ts'
import { regularizedBeta, studentCritical } from './special.ts'

export interface BlockMean {
  readonly mean: number
  readonly interval: Interval
  /** Two-sided, of "the mean is zero". */
  readonly p: number
}

/**
 * One difference per block, and each block for one observation: what differs between blocks cannot be averaged away by more
 * tasks in each (Student, 1908). Undefined for fewer than two blocks. Blocks that are all equal have the interval of a point.
 * Throws RangeError for what is no finite number.
 */
export function blockMean(differences: readonly number[], confidence = defaultConfidence): BlockMean | undefined {
  if (!differences.every(Number.isFinite)) throw new RangeError('differences of blocks are finite numbers')
  const n = differences.length
  if (n < 2) return undefined
  const mean = differences.reduce((sum, d) => sum + d, 0) / n
  const variance = differences.reduce((sum, d) => sum + (d - mean) ** 2, 0) / (n - 1)
  const error = Math.sqrt(variance / n)
  const half = studentCritical(confidence, n - 1) * error
  return { mean, interval: [mean - half, mean + half], p: twoSided(mean, error, n - 1) }
}

function twoSided(mean: number, error: number, degreesOfFreedom: number): number {
  if (error === 0) return mean === 0 ? 1 : 0
  const t = mean / error
  return regularizedBeta(degreesOfFreedom / (degreesOfFreedom + t ** 2), degreesOfFreedom / 2, 0.5)
}
