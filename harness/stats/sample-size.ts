import { clopperPearson, defaultConfidence } from './intervals.ts'

/** Beyond this many tasks "needed" is no longer advice. */
const most = 1e9

/**
 * Tasks that would settle whether a rate reaches `limit`, if the observed rate held: the smallest n at which the
 * Clopper-Pearson interval lies on one side. `widening` is the design effect: how many times more tasks the data need
 * than independent ones would (1: independent). Undefined where no number would do.
 */
export function neededToSettle(
  observed: number,
  limit: number,
  widening = 1,
  confidence = defaultConfidence,
): number | undefined {
  const settles = (n: number): boolean => {
    const [low, high] = clopperPearson(observed * n, n, confidence)
    return low >= limit || high < limit
  }
  let high = 1
  while (high < most && !settles(high)) high *= 2
  if (high >= most) return undefined
  let low = Math.floor(high / 2)
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (settles(middle)) high = middle
    else low = middle
  }
  return Math.ceil(high * widening)
}
