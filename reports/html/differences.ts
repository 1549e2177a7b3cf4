import type { Comparison } from '../../harness/model/judgements.ts'
import type { RunResults } from '../../harness/model/results.ts'
import { findingOf } from '../compare.ts'
import { all, type Markup, tag } from './markup.ts'
import { label, line, linearScale, picture, rect, type Scale } from './svg.ts'

const size = { width: 364, row: 20, top: 8, foot: 34 } as const
const plot = { left: 124, right: 20 } as const

type Success = NonNullable<Comparison['success']>

/** By how much more, or less, each pattern succeeds than the first one: a panel per arm, all on one axis. */
export function differences({ comparisons = [] }: RunResults): Markup | undefined {
  const told = comparisons.flatMap((one) => (one.success ? [{ ...one, success: one.success }] : []))
  if (told.length === 0) return undefined
  const ends = told.flatMap(({ success }) => [success.difference, ...(success.interval ?? [])])
  const most = Math.max(0.01, ...ends.map(Math.abs))
  const x = linearScale(-most, most, size.width - plot.left - plot.right, 4)
  const arms = [...Map.groupBy(told, ({ second }) => second.arm)]
  return tag('div', { class: 'panels' }, ...arms.map(([arm, own]) => panel(arm, own, x)))
}

function panel(arm: string, rows: readonly (Comparison & { readonly success: Success })[], x: Scale): Markup {
  const bottom = size.top + rows.length * size.row
  const words = rows.map((one) => `${one.second.pattern} ${points(one.success.difference)} points, ${findingOf(one)}`)
  return tag(
    'figure',
    {},
    tag('figcaption', {}, `success under ${arm}`),
    picture(
      [size.width, bottom + size.foot],
      `success against ${rows[0]!.first.pattern} under ${arm}: ${words.join('; ')}`,
      'differences',
      ...x.ticks.map((tick) =>
        all(
          line([plot.left + x(tick), size.top], [plot.left + x(tick), bottom], tick === 0 ? 'zero' : 'grid'),
          label(plot.left + x(tick), bottom + 14, 'tick', points(tick)),
        ),
      ),
      label(size.width - plot.right, bottom + 29, 'tick end', 'more succeed, in points →'),
      ...rows.map(({ second, success }, i) => mark(second.pattern, success, x, size.top + (i + 0.5) * size.row)),
    ),
  )
}

function mark(name: string, { difference, interval }: Success, x: Scale, y: number): Markup {
  const at = (share: number): number => plot.left + x(share)
  const [low, high] = interval ?? [difference, difference]
  return all(
    label(plot.left - 8, y + 4, 'tick end ink', shortened(name)),
    interval && rect({ x: at(low), y: y - 3, width: Math.max(at(high) - at(low), 1), height: 6 }, 'bar'),
    tag('circle', { cx: at(difference), cy: y, r: 4, class: interval ? 'point' : 'point open' }),
  )
}

/** The table beside it has the whole name. */
function shortened(name: string): string {
  return name.length > 18 ? `${name.slice(0, 17)}…` : name
}

function points(share: number): string {
  const text = String(Math.round(share * 1000) / 10)
  return share > 0 ? `+${text}` : text
}
