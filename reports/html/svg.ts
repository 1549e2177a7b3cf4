import { all, short, tag, type Child, type Markup } from './markup.ts'

/** A picture in its own coordinates that scales to the width it gets. `label` is what a screen reader says. */
export function picture(size: readonly [number, number], label: string, css: string, ...children: Child[]): Markup {
  const [width, height] = size
  return tag(
    'svg',
    { viewBox: `0 0 ${short(width)} ${short(height)}`, width, height, role: 'img', 'aria-label': label, class: css },
    ...children,
  )
}

type Point = readonly [x: number, y: number]

export function line([x1, y1]: Point, [x2, y2]: Point, css: string): Markup {
  return tag('line', { x1, y1, x2, y2, class: css })
}

interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export function rect({ x, y, width, height }: Box, css: string, ...children: Child[]): Markup {
  return tag('rect', { x, y, width: Math.max(width, 0), height, class: css }, ...children)
}

export function label(x: number, y: number, css: string, text: Child): Markup {
  return tag('text', { x, y, class: css }, text)
}

/** Many horizontal strokes as one path: the smallest picture of thousands of tasks. */
export function strokes(segments: readonly (readonly [number, number, number])[], css: string, width?: number): Markup {
  if (segments.length === 0) return all()
  const d = segments.map(([x1, x2, y]) => `M${short(x1)} ${short(y)}H${short(x2)}`).join('')
  return tag('path', { d, class: css, 'stroke-width': width })
}

/** Many round dots as one path: strokes of no length with round ends. */
export function dots(points: readonly (readonly [number, number])[], css: string): Markup {
  if (points.length === 0) return all()
  return tag('path', { d: points.map(([x, y]) => `M${short(x)} ${short(y)}h0`).join(''), class: css })
}

export function crosses(points: readonly (readonly [number, number])[], css: string): Markup {
  if (points.length === 0) return all()
  const d = points.map(([x, y]) => `M${short(x - 2.5)} ${short(y - 2.5)}l5 5m0-5l-5 5`).join('')
  return tag('path', { d, class: css })
}

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
