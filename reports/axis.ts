/** A position between 0 and `length` for a value. */
export interface Scale {
  (value: number): number
  readonly ticks: readonly number[]
}

/** Equal steps for equal differences; ticks at 1, 2 or 5 times a power of ten, about `wanted` of them. */
export function linearScale(low: number, high: number, length: number, wanted = 8): Scale {
  const span = high - low || 1
  const rough = span / wanted
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough)!
  const first = Math.ceil(low / step)
  const ticks = Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step)
  return Object.assign((value: number) => (clamp(value, low, high) - low) * (length / span), { ticks })
}

/** Equal steps for equal ratios; a tick per power of ten. Values outside, and 0, are put at the ends. */
export function logScale(low: number, high: number, length: number): Scale {
  const span = Math.log10(high / low) || 1
  const first = Math.ceil(Math.log10(low) - 1e-9)
  const last = Math.floor(Math.log10(high) + 1e-9)
  const ticks = Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => 10 ** (first + i))
  return Object.assign((value: number) => (Math.log10(clamp(value, low, high) / low) / span) * length, { ticks })
}

/** Failure shares from the smallest one worth showing for `n` tasks (a tenth of one failure in `n`, a power of ten) to 1. */
export function failureScale(n: number, length: number): Scale {
  const smallest = 10 ** Math.floor(Math.log10(0.3 / Math.max(n, 10)))
  return logScale(Math.max(smallest, 1e-6), 1, length)
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high)
}
