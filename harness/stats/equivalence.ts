import { checkShare, type Interval } from './intervals.ts'
import { newcombePaired, type PairedCounts } from './paired-difference.ts'

/** Two one-sided tests at 5 % each are the 90 % interval (Schuirmann 1987, J. Pharmacokinet. Biopharm. 15:657). */
const confidence = 0.9

export interface Equivalence {
  /** 90 %, of the share of successes of b minus that of a. */
  readonly interval: Interval
  /** The difference is shown to lie within the margin on either side. */
  readonly isShown: boolean
}

/** Whether two systems succeed equally often over matched pairs, up to the margin. Few pairs show nothing. Throws RangeError for a margin that is no share. */
export function testEquivalence(counts: PairedCounts, margin: number): Equivalence {
  checkShare(margin, 'a margin')
  const interval = newcombePaired(counts, confidence)
  return { interval, isShown: -margin < interval[0] && interval[1] < margin }
}
