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
