import type { OverheadShift } from './judgements.ts'

/** Of the pairs that no fault touched. */
export interface Unseen {
  /** Pairs with no result on one side, or on both: no overhead is known of them. */
  readonly pairs: number
  /** Those of them where the first side has none. */
  readonly ofFirst: number
  readonly of: number
}

export function unseenIn({ pairs, without }: Pick<OverheadShift, 'pairs' | 'without'>): Unseen {
  const { first = 0, secondAlone = 0 } = without ?? {}
  return { pairs: first + secondAlone, ofFirst: first, of: pairs + first + secondAlone }
}

/** From here on what is known of the others says nothing of all. */
const most = 0.05

export function isTooMany(unseen: number, of: number): boolean {
  return unseen > most * of
}

export function unseenText({ pairs, of }: Unseen): string {
  return `${pairs} of ${of} pairs that no fault touched have no result on one side`
}
