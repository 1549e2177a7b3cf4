/** `98.5 %`: significant digits, and as many more as it takes for only 1 to read 100 %. */
export function percentOf(share: number, digits = 3): string {
  return `${roundedShort(share * 100, 100, digits)} %`
}

/** `0.9850`: decimals, and as many more as it takes for only 1 to read 1. */
export function shareText(share: number): string {
  for (let digits = 4; digits < 9; digits++) if (Number(share.toFixed(digits)) < 1) return share.toFixed(digits)
  return share.toFixed(4)
}

function roundedShort(value: number, whole: number, digits: number): number {
  const rounded = Number(value.toPrecision(digits))
  return rounded < whole || value >= whole || digits >= 12 ? rounded : roundedShort(value, whole, digits + 1)
}

/** Milliseconds as files keep them, in whole microseconds: more digits would be noise. */
export function roundMs(ms: number): number {
  return roundTo(ms, 3)
}

export function roundTo(value: number, decimals: number): number {
  const unit = 10 ** decimals
  return Math.round(value * unit) / unit
}

/** All processes of a machine read one clock: a difference beyond this is not rounding. */
export const resolutionMs = 1

/** Index of the first of these numbers, which ascend, that is at least `from`; their number where none is. */
export function firstAtLeast(ascending: ArrayLike<number>, from: number): number {
  let [low, high] = [0, ascending.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (ascending[middle]! < from) low = middle + 1
    else high = middle
  }
  return low
}
