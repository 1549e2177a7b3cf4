import type { CellResult, RunResults } from '../../harness/model/results.ts'
import { failureScale, logScale, type Scale, label, line, picture } from './svg.ts'
import { duration, percent, shareOf } from '../numbers.ts'
import { armGroups, patternOrder, rowName, type ArmGroup } from '../arm-groups.ts'
import { diamond } from './claims.ts'
import { all, tag, type Markup } from './markup.ts'
import { note, section } from './elements.ts'

const size = [364, 290] as const
const plot = { left: 52, right: 26, top: 20, bottom: 38 } as const
const [inner, tall] = [size[0] - plot.left - plot.right, size[1] - plot.top - plot.bottom]

/** What resilience costs: overhead without faults against failures with them; a panel per fault. */
export function scatter(results: RunResults): Markup | undefined {
  const groups = armGroups(results)
  const control = groups.find((group) => group.control)
  const panels = groups.filter((group) => !group.control && group.cells.length > 0)
  const axes = axesOf(results, control ?? panels[0])
  if (!axes || panels.length === 0) return undefined
  const lead = control
    ? 'Median overhead when nothing is broken (to the right: slower) against failures under a fault (upwards: worse). Down and left is better.'
    : 'Median overhead against failures under the same fault. Down and left is better.'
  const figures = panels.map((group) => panel(results, group, control ?? group, axes))
  return section(
    'cost',
    'What resilience costs',
    lead,
    tag('div', { class: 'panels' }, ...figures),
    patternKey(results),
    scatterNote(results),
  )
}

/** Names do not fit beside points that lie close together: each pattern is a letter, the same in every panel. */
export function letterOf(results: RunResults, pattern: string): string {
  return String.fromCodePoint(65 + patternOrder(results).indexOf(pattern))
}

export function patternKey(results: RunResults): Markup {
  const names = patternOrder(results).map((name, i) =>
    tag('li', { class: `c-${i % 8}` }, tag('i', {}), tag('b', {}, letterOf(results, name)), ` ${name}`),
  )
  return tag('ul', { class: 'key' }, ...names)
}

function scatterNote({ plan, claims }: RunResults): Markup | undefined {
  if (plan.timeScale !== 1)
    return note(
      `Time is compressed ${plan.timeScale} times: compare positions within this picture, do not quote the milliseconds. `,
      claims.length > 0 && 'Published numbers are left out, since their milliseconds cannot be compared.',
    )
  return claims.length > 0 ? note('Diamonds: published numbers.') : undefined
}

interface Axes {
  readonly x: Scale
  readonly y: Scale
}

function axesOf(results: RunResults, base: ArmGroup | undefined): Axes | undefined {
  const medians = base?.cells.flatMap(({ overhead }) => overhead.p50 ?? []) ?? []
  if (medians.length === 0) return undefined
  const published = results.plan.timeScale === 1 ? results.plan.published.flatMap((p) => p.overheadMs ?? []) : []
  const values = [...medians, ...published].map((ms) => Math.max(ms, 1))
  const low = 10 ** Math.floor(Math.log10(Math.min(...values)))
  const high = 10 ** Math.ceil(Math.log10(Math.max(...values) + 1))
  const most = Math.max(...results.cells.map(({ success }) => success.n))
  return { x: logScale(low, high, inner), y: failureScale(most, tall) }
}

interface Spot {
  readonly letter: string
  readonly x: number
  readonly y: number
  readonly low: number
  readonly high: number
  readonly clean: boolean
  readonly words: string
}

function panel(results: RunResults, group: ArmGroup, base: ArmGroup, axes: Axes): Markup {
  const spots = group.cells.flatMap((cell) => spotOf(results, cell, base, axes))
  const places = spread(spots.map(({ x }) => x))
  const drawn = spots.map((spot, i) => drawSpot(spot, places[i]!))
  return tag(
    'figure',
    {},
    tag('figcaption', {}, `under ${group.arm}`),
    picture(
      size,
      `failures under ${group.arm} by overhead: ${spots.map(({ words }) => words).join('; ')}`,
      'scatter',
      frame(axes),
      ...publishedSpots(results, group.arm, axes),
      ...drawn,
    ),
  )
}

function spotOf(results: RunResults, cell: CellResult, base: ArmGroup, { x, y }: Axes): readonly Spot[] {
  const twin = base.cells.find(
    (other) => other.cell.pattern === cell.cell.pattern && other.cell.repetition === cell.cell.repetition,
  )
  const median = twin?.overhead.p50
  if (median === undefined || median === null || cell.success.n === 0 || cell.verdict === 'INVALID') return []
  const { interval } = cell.success
  if (!interval) return []
  const failures = 1 - shareOf(cell.success)
  const up = (share: number): number => plot.top + tall - y(share)
  const name = rowName(results, cell)
  return [
    {
      letter: letterOf(results, cell.cell.pattern),
      x: plot.left + x(Math.max(median, 1)),
      y: up(failures),
      low: up(1 - interval[1]),
      high: up(1 - interval[0]),
      clean: failures === 0,
      words: `${name} ${duration(median)} and ${percent(failures)}`,
    },
  ]
}

/** Positions of labels: in the order of the spots, at least `gap` apart, as near to their spots as that allows. */
export function spread(positions: readonly number[], gap = 11): readonly number[] {
  const order = positions.map((_, i) => i).toSorted((a, b) => positions[a]! - positions[b]!)
  const placed: number[] = []
  for (const [rank, i] of order.entries()) {
    const before = rank === 0 ? -Infinity : placed[order[rank - 1]!]!
    placed[i] = Math.max(positions[i]!, before + gap)
  }
  return placed
}

function drawSpot({ letter, x, y, low, high, clean }: Spot, labelX: number): Markup {
  return all(
    line([x, low], [x, high], 'whiskerline'),
    tag('circle', { cx: x, cy: y, r: 4.5, class: clean ? 'point open' : 'point' }),
    label(labelX, high - 7, 'name', letter),
  )
}

function frame({ x, y }: Axes): Markup {
  const bottom = plot.top + tall
  return all(
    ...x.ticks.map((tick) =>
      all(
        line([plot.left + x(tick), plot.top], [plot.left + x(tick), bottom], 'grid'),
        label(plot.left + x(tick), bottom + 15, 'tick', duration(tick).replace('.0 ', ' ').replace('.00 ', ' ')),
      ),
    ),
    ...y.ticks.map((tick) =>
      all(
        line([plot.left, bottom - y(tick)], [plot.left + inner, bottom - y(tick)], 'grid'),
        label(plot.left - 7, bottom - y(tick) + 4, 'tick end', percent(tick).replace('.0%', '%')),
      ),
    ),
    label(plot.left + inner, bottom + 32, 'tick end', 'overhead p50 →'),
  )
}

/** Only at full length: compressed milliseconds have no place beside published ones. */
function publishedSpots({ plan }: RunResults, arm: string, { x, y }: Axes): readonly Markup[] {
  if (plan.timeScale !== 1) return []
  return plan.published.flatMap(({ arm: under, success, overheadMs }) => {
    if (under !== arm || success === undefined || overheadMs === undefined) return []
    return [diamond(plot.left + x(overheadMs), plot.top + tall - y(1 - success))]
  })
}
