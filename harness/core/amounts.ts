/** A duration in the unit that suits it. `null` is beyond every limit: infinite. */
export function duration(ms: number | null): string {
  if (ms === null || ms === Infinity) return '∞'
  if (ms === 0) return '0 ms'
  const size = Math.abs(ms)
  if (size < 9.95) return `${ms.toFixed(1)} ms`
  if (size < 999.5) return `${ms.toFixed(0)} ms`
  if (size < 9_995) return `${(ms / 1_000).toFixed(2)} s`
  if (size < 119_500) return `${(ms / 1_000).toFixed(1)} s`
  if (size < 7_170_000) return `${(ms / 60_000).toFixed(1)} min`
  return `${(ms / 3_600_000).toFixed(1)} h`
}

/** Whole numbers with separated thousands. */
export function count(n: number): string {
  return String(n).replaceAll(/\B(?=(\d{3})+$)/g, ',')
}

/** `1 task`, `2 tasks`. */
export function plural(n: number, noun: string): string {
  return `${count(n)} ${noun}${n === 1 ? '' : 's'}`
}
