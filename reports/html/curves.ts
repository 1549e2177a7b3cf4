import type { RecoveryResult, WaitingCurve } from '../../harness/model/judgements.ts'
import type { CellResult, RunResults, TaskRow } from '../../harness/model/results.ts'
import { armGroups, patternOrder } from '../arm-groups.ts'
import { count, duration, percent, plural } from '../numbers.ts'
import { note, section } from './elements.ts'
import { all, type Markup, short, tag } from './markup.ts'
import { letterOf, patternKey, spread } from './scatter.ts'
import { failureScale, label, line, linearScale, logScale, picture, type Scale } from './svg.ts'

const size = [364, 250] as const
const plot = { left: 52, right: 26, top: 14, bottom: 38 } as const
const [inner, tall] = [size[0] - plot.left - plot.right, size[1] - plot.top - plot.bottom]

/** A step curve: from each of these moments on, this share is left. */
interface Curve {
  readonly pattern: string
  readonly steps: readonly (readonly [ms: number, left: number])[]
  readonly open: readonly number[]
  readonly words: string
}

interface Axes {
  readonly x: Scale
  readonly y: Scale
}

/** How soon results came, and how soon work went on: the whole of what the tables give as percentiles. */
export function curves(results: RunResults): Markup | undefined {
  const figures = [...completion(results), ...takeover(results)]
  if (figures.length === 0) return undefined
  return section(
    'curves',
    'How soon',
    'Above each curve is what was there by then. Results: the share of all tasks whose client has not seen the right result yet, by time beyond the work itself; where a curve stays level, results never came. Takeover: the share of interrupted tasks with which nobody has gone on yet.',
    tag('div', { class: 'panels' }, ...figures),
    patternKey(results),
    note(
      'Repetitions are pooled, invalid cells left out. Takeover is the estimate of Kaplan and Meier (1958): a small stroke is a task that was still waiting when it was last seen, of which nothing more is known. The dashed line is the deadline.',
    ),
  )
}

function completion(results: RunResults): readonly Markup[] {
  return armGroups(results).flatMap(({ arm, cells }) => {
    const valid = cells.filter(({ verdict, tasks }) => verdict !== 'INVALID' && tasks.length > 0)
    if (valid.length === 0) return []
    const found = [...Map.groupBy(valid, ({ cell }) => cell.pattern)].map(([name, own]) => completionOf(name, own))
    const graceMs = Math.max(...valid.map(({ cell }) => cell.graceMs))
    const most = Math.max(...[...Map.groupBy(valid, ({ cell }) => cell.pattern).values()].map(tasksIn))
    const axes = { x: timeScaleOf([...found.flatMap(lastOf), graceMs]), y: failureScale(most, tall) }
    const deadline = plot.left + axes.x(graceMs)
    const dashed = line([deadline, plot.top], [deadline, plot.top + tall], 'deadline')
    return [panel(results, `results under ${arm}`, found, { ...axes, over: dashed, shares: 'no result yet' })]
  })
}

function tasksIn(cells: readonly CellResult[]): number {
  return cells.reduce((sum, { tasks }) => sum + tasks.length, 0)
}

function completionOf(pattern: string, cells: readonly CellResult[]): Curve {
  const n = tasksIn(cells)
  const seen = cells.flatMap(({ tasks }) => tasks.flatMap(beyondMs)).toSorted((a, b) => a - b)
  const steps = seen.map((ms, i) => [ms, 1 - (i + 1) / n] as const)
  const words = `${pattern}: ${count(seen.length)} of ${plural(n, 'task')} with the right result`
  return { pattern, steps, open: [], words }
}

/** The overhead, as the tables have it; nothing of a task that has no right result. */
function beyondMs({ outcome, seenAt, intendedAt, idealMs }: TaskRow): readonly number[] {
  if ((outcome !== 'ok' && outcome !== 'late') || seenAt === undefined) return []
  return [seenAt - intendedAt - idealMs]
}

function takeover(results: RunResults): readonly Markup[] {
  const order = patternOrder(results)
  return armGroups(results).flatMap(({ arm }) => {
    const found = results.recovery
      .flatMap((one) => (one.arm === arm && one.waiting ? [takeoverOf(one, one.waiting)] : []))
      .toSorted((a, b) => order.indexOf(a.pattern) - order.indexOf(b.pattern))
    if (found.length === 0) return []
    const axes = { x: timeScaleOf(found.flatMap(lastOf)), y: linearScale(0, 1, tall, 4) }
    return [panel(results, `takeover under ${arm}`, found, { ...axes, shares: 'nobody went on yet' })]
  })
}

function takeoverOf({ pattern, interrupted }: RecoveryResult, { steps, open, never }: WaitingCurve): Curve {
  const forever = never === 0 ? '' : `, ${count(never)} for ever`
  return { pattern, steps, open, words: `${pattern}: ${plural(interrupted, 'interrupted task')}${forever}` }
}

function lastOf({ steps, open }: Curve): readonly number[] {
  return [steps.at(-1)?.[0] ?? 1, open.at(-1) ?? 1]
}

function timeScaleOf(ends: readonly number[]): Scale {
  const most = Math.max(10, ...ends)
  return logScale(1, 10 ** Math.ceil(Math.log10(most) - 1e-9), inner)
}

interface Frame extends Axes {
  readonly over?: Markup
  readonly shares: string
}

function panel(results: RunResults, title: string, found: readonly Curve[], frame: Frame): Markup {
  const words = found.map((one) => one.words).join('; ')
  const ends = found.map((one) => plot.top + tall - frame.y(one.steps.at(-1)?.[1] ?? 1))
  const places = namePlaces(ends)
  const drawn = found.map((one, i) => curve(results, one, frame, places[i]!))
  return tag(
    'figure',
    {},
    tag('figcaption', {}, title),
    picture(size, `${title}: ${words}`, 'curves', grid(frame), frame.over, ...drawn),
  )
}

/** Apart from each other, and none below the picture: many curves end at the bottom, or at the top. */
function namePlaces(ends: readonly number[]): readonly number[] {
  const lowest = plot.top + tall
  const down = spread(ends, nameGap).map((y) => -Math.min(y, lowest))
  return spread(down, nameGap).map((y) => -y)
}

const nameGap = 12

function curve(results: RunResults, { pattern, steps, open, words }: Curve, { x, y }: Frame, nameY: number): Markup {
  const letter = letterOf(results, pattern)
  const css = `curve c-${patternOrder(results).indexOf(pattern) % colours}`
  const bottom = plot.top + tall
  const points = thinned(steps.map(([ms, left]) => [plot.left + x(ms), bottom - y(left)] as const))
  const d = points.map(([right, down]) => `H${short(right)}V${short(down)}`).join('')
  const marks = open.map((ms) => {
    const left = steps.findLast(([at]) => at <= ms)?.[1] ?? 1
    return `M${short(plot.left + x(ms))} ${short(bottom - y(left) - 4)}v8`
  })
  return tag(
    'g',
    { class: css },
    tag('title', {}, words),
    tag('path', { d: `M${plot.left} ${short(bottom - y(1))}${d}H${plot.left + inner}` }),
    marks.length > 0 && tag('path', { d: marks.join('') }),
    label(plot.left + inner + 12, nameY + 4, 'name', letter),
  )
}

/** Colours repeat after so many; letters do not. */
const colours = 8

type Point = readonly [x: number, y: number]

/** Of thousands of steps those that can be seen, and the last. */
function thinned(points: readonly Point[]): readonly Point[] {
  const kept: Point[] = []
  for (const [i, point] of points.entries()) {
    const before = kept.at(-1)
    const near = before && Math.abs(point[0] - before[0]) < 0.4 && Math.abs(point[1] - before[1]) < 0.4
    if (!near || i === points.length - 1) kept.push(point)
  }
  return kept
}

function grid({ x, y, shares }: Frame): Markup {
  const bottom = plot.top + tall
  const middle = plot.top + tall / 2
  return all(
    ...x.ticks.map((tick) =>
      all(
        line([plot.left + x(tick), plot.top], [plot.left + x(tick), bottom], 'grid'),
        label(plot.left + x(tick), bottom + 15, 'tick', duration(tick).replace(/\.0+ /, ' ')),
      ),
    ),
    ...y.ticks.map((tick) =>
      all(
        line([plot.left, bottom - y(tick)], [plot.left + inner, bottom - y(tick)], 'grid'),
        label(plot.left - 7, bottom - y(tick) + 4, 'tick end', percent(tick).replace('.0%', '%')),
      ),
    ),
    tag('text', { transform: `translate(11 ${middle}) rotate(-90)`, class: 'tick' }, shares),
  )
}
