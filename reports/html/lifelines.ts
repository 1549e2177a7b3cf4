import { placeNames } from '../../harness/model/place.ts'
import type { CellResult, FaultResult, Outcome, TaskRow } from '../../harness/model/results.ts'
import { linearScale, logScale, type Scale, crosses, dots, label, line, picture, rect, strokes } from './svg.ts'
import { count, duration } from '../numbers.ts'
import { all, tag, type Markup } from './markup.ts'
import { outcomeClass, outcomeOrder } from './elements.ts'

const width = 1120
const left = 64
const right = 16
const lane = 22
const gap = 30
const lateHeight = 140

interface Frame {
  readonly x: Scale
  /** Of the tracks; each is `pitch` high. */
  readonly top: number
  readonly pitch: number
  readonly tracks: number
  /** Top of the panel of overheads, and bottom of both. */
  readonly late: number
  readonly bottom: number
  readonly endAt: number
}

/**
 * Every task of a cell over time. Above, one bar per task from its intended start to the moment the client saw the end,
 * on the first free track. The height is the number of tasks in flight. A bar is pale while the task had a right to
 * take that long, dark beyond. A task whose end was never seen is a bar in its outcome's colour as far as its ideal
 * end, with a cross. Below, how late each one was, at the moment it was due. Faults are the bands behind both.
 */
export function lifelines(cell: CellResult): Markup | undefined {
  const tasks = cell.tasks.toSorted((a, b) => a.intendedAt - b.intendedAt)
  if (tasks.length === 0) return undefined
  const endAt = 1.01 * tasks.reduce((last, task) => Math.max(last, endOf(task)), 1)
  const tracks = assignTracks(tasks, endAt / 400)
  const frame = frameOf(endAt, Math.max(...tracks) + 1)
  return picture(
    [width, frame.bottom + 34],
    wordsOf(cell),
    'lifelines',
    bands(cell.faults, frame),
    timeGrid(frame),
    bars(tasks, tracks, frame),
    onsets(cell.faults, frame),
    overheads(cell, tasks, frame),
  )
}

/** When a task stops being in flight: seen, or due and never seen. */
function endOf({ seenAt, intendedAt, idealMs }: TaskRow): number {
  return Math.max(seenAt ?? 0, intendedAt + idealMs)
}

/** For each task, in the order of their starts, the first track that has been free for `gapMs`. */
export function assignTracks(tasks: readonly TaskRow[], gapMs: number): readonly number[] {
  const freeAt: number[] = []
  return tasks.map((task) => {
    const free = freeAt.findIndex((at) => at <= task.intendedAt)
    const track = free < 0 ? freeAt.length : free
    freeAt[track] = endOf(task) + gapMs
    return track
  })
}

function wordsOf({ cell, outcomes }: CellResult): string {
  const counts = outcomeOrder.filter((name) => outcomes[name] > 0).map((name) => `${outcomes[name]} ${name}`)
  return `every task of ${cell.id} over time: ${counts.join(', ')}`
}

function frameOf(endAt: number, tracks: number): Frame {
  const pitch = Math.min(Math.max(280 / tracks, 1), 9)
  const top = lane + 8
  const late = top + tracks * pitch + gap
  const x = linearScale(0, endAt, width - left - right, 12)
  return { x, top, pitch, tracks, late, bottom: late + lateHeight, endAt }
}

function bands(faults: readonly FaultResult[], { x, bottom, endAt }: Frame): Markup {
  let free = -Infinity
  const drawn = faults.flatMap((fault) => {
    if (fault.armedAt === undefined || fault.armedAt > endAt) return []
    const from = left + x(fault.armedAt)
    const until = left + x(fault.healedAt ?? endAt)
    const name = fault.fault
    const labelled = from >= free
    if (labelled) free = from + name.length * 6.6 + 14
    const words = `${fault.id} on ${placeNames(fault.target)}: ${fault.proven ? 'proven' : fault.state}, ${duration(fault.armedAt)} to ${fault.healedAt === undefined ? 'the end' : duration(fault.healedAt)}`
    const css = fault.proven ? 'fault' : 'fault unproven'
    return [
      rect({ x: from, y: lane, width: Math.max(until - from, 2), height: bottom - lane }, css, tag('title', {}, words)),
      line([from, lane - 5], [from, lane], 'onset'),
      labelled && label(from, lane - 8, 'faultname', fault.proven ? name : `${name} (not proven)`),
    ]
  })
  return all(drawn)
}

/** Over the bars: where hundreds of tasks are in flight, they hide the band behind them. */
function onsets(faults: readonly FaultResult[], { x, top, pitch, tracks, endAt }: Frame): Markup {
  const lines = faults.flatMap(({ armedAt }) => {
    if (armedAt === undefined || armedAt > endAt) return []
    return [line([left + x(armedAt), top], [left + x(armedAt), top + pitch * tracks], 'onset over')]
  })
  return all(lines)
}

function timeGrid({ x, top, pitch, tracks, bottom, late }: Frame): Markup {
  const middle = top + (pitch * tracks) / 2
  return all(
    ...x.ticks.map((tick) =>
      all(
        line([left + x(tick), top], [left + x(tick), bottom], 'grid'),
        label(left + x(tick), bottom + 16, 'tick', tick === 0 ? '0' : duration(tick).replace(/\.0+ /, ' ')),
      ),
    ),
    line([left, late], [width - right, late], 'grid'),
    label(width - right, bottom + 31, 'tick end', 'time since the start of the load →'),
    tag('text', { transform: `translate(12 ${middle}) rotate(-90)`, class: 'tick' }, 'in flight'),
    tag('text', { transform: `translate(12 ${late + lateHeight / 2}) rotate(-90)`, class: 'tick' }, 'overhead'),
  )
}

function bars(tasks: readonly TaskRow[], tracks: readonly number[], { x, top, pitch }: Frame): Markup {
  const stroke = pitch * (pitch > 3 ? 0.72 : 0.86)
  const rows = tasks.map((task, i) => {
    const [from, due, end] = [task.intendedAt, task.intendedAt + task.idealMs, endOf(task)].map((at) => left + x(at))
    return { task, y: top + (tracks[i]! + 0.5) * pitch, from: from!, due: due!, end: end! }
  })
  const seen = rows.filter(({ task }) => task.seenAt !== undefined)
  const unseen = rows.filter(({ task }) => task.seenAt === undefined)
  return all(
    strokes(
      seen.map(({ y, from, due }) => [from, due, y]),
      'life',
      stroke,
    ),
    byOutcome(seen, ({ task }) => task.outcome).map(([outcome, some]) =>
      strokes(
        some.map(({ y, due, end }) => [due, end + 1, y]),
        `life ${outcomeClass(outcome)}`,
        stroke,
      ),
    ),
    byOutcome(unseen, ({ task }) => task.outcome).map(([outcome, some]) =>
      all(
        strokes(
          some.map(({ y, from, due }) => [from, due, y]),
          `life ${outcomeClass(outcome)}`,
          stroke,
        ),
        crosses(
          some.map(({ y, due }) => [due, y]),
          `cross ${outcomeClass(outcome)}`,
        ),
      ),
    ),
  )
}

function byOutcome<T>(items: readonly T[], outcomeOf: (item: T) => Outcome): readonly (readonly [Outcome, T[]])[] {
  return outcomeOrder.map((outcome) => [outcome, items.filter((item) => outcomeOf(item) === outcome)] as const)
}

/** Overhead on a logarithmic axis; what was never seen has a lane of its own at the top. */
function overheads({ cell }: CellResult, tasks: readonly TaskRow[], { x, late }: Frame): Markup {
  const never = late + 14
  const [top, height] = [late + 34, lateHeight - 40]
  const lag = (task: TaskRow): number => (task.seenAt ?? 0) - task.intendedAt - task.idealMs
  const worst = tasks.reduce((most, task) => Math.max(most, task.seenAt === undefined ? 0 : lag(task)), cell.graceMs)
  const y = logScale(1, Math.max(10 ** Math.ceil(Math.log10(worst)), 10), height)
  const at = (ms: number): number => top + height - y(ms)
  const spots = tasks.map((task) => ({ task, x: left + x(task.intendedAt + task.idealMs) }))
  const seen = spots.filter(({ task }) => task.seenAt !== undefined)
  const unseen = spots.filter(({ task }) => task.seenAt === undefined)
  return all(
    ...y.ticks.map((tick) =>
      all(
        line([left, at(tick)], [width - right, at(tick)], 'grid'),
        label(left - 7, at(tick) + 4, 'tick end', duration(tick).replace(/\.0+ /, ' ')),
      ),
    ),
    label(left - 7, never + 1, 'tick end', 'never'),
    label(left - 7, never + 13, 'tick end strong', count(unseen.length)),
    line([left, at(cell.graceMs)], [width - right, at(cell.graceMs)], 'deadline'),
    label(width - right - 4, at(cell.graceMs) - 4, 'tick end', `deadline ${duration(cell.graceMs)}`),
    byOutcome(seen, ({ task }) => task.outcome).map(([outcome, some]) =>
      dots(
        some.map((spot) => [spot.x, at(lag(spot.task))]),
        `dot ${outcomeClass(outcome)}`,
      ),
    ),
    byOutcome(unseen, ({ task }) => task.outcome).map(([outcome, some]) =>
      crosses(
        some.map((spot) => [spot.x, never]),
        `cross ${outcomeClass(outcome)}`,
      ),
    ),
  )
}
