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

/** Many small crosses as one path. */
export function crosses(points: readonly (readonly [number, number])[], css: string): Markup {
  if (points.length === 0) return all()
  const d = points.map(([x, y]) => `M${short(x - 2.5)} ${short(y - 2.5)}l5 5m0-5l-5 5`).join('')
  return tag('path', { d, class: css })
}
