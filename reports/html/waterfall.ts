import { type OverheadPart, overheadParts, type PartsOfGroup } from '../../harness/model/overhead-parts.ts'
import type { RunResults } from '../../harness/model/results.ts'
import { duration, plural } from '../numbers.ts'
import { breakdownMeaning, breakdownRows, type BreakdownRow, partHeads, partsPresent } from '../overhead-parts.ts'
import { cellLink, note, scroll, section } from './elements.ts'
import { all, type Child, type Markup, tag } from './markup.ts'
import { picture, rect } from './svg.ts'

const width = 230
const barHeight = 11

/** Where the overhead of each pattern goes: a bar of all of it, and every part as a number. */
export function waterfall(results: RunResults): Markup | undefined {
  const groups = breakdownRows(results)
  const rows = groups.flatMap((group) => group.rows)
  const shown = partsPresent(rows)
  if (rows.length === 0 || shown.length === 0) return undefined
  const head = (text: Child, css = 'number'): Markup => tag('th', { scope: 'col', class: css }, text)
  const heads = tag(
    'tr',
    {},
    head('Pattern', ''),
    head('Total'),
    ...shown.map((part) => head(all(swatch(part), partHeads[part]))),
    head('of the total', 'axis'),
  )
  return section(
    'overhead',
    'Where the overhead goes',
    breakdownMeaning,
    scroll(
      'parts of the overhead',
      tag(
        'table',
        { class: 'strip parts' },
        tag('thead', {}, heads),
        ...groups.map(({ arm, rows: own }) => armBody(arm, own, shown)),
      ),
    ),
    meanings(shown),
    compressed(results),
  )
}

function armBody(arm: string, rows: readonly BreakdownRow[], shown: readonly OverheadPart[]): Markup {
  const title = tag('th', { scope: 'colgroup', colspan: shown.length + 3 }, `under ${arm}`)
  return tag('tbody', {}, tag('tr', { class: 'arm' }, title), ...rows.map((row) => partsRow(row, shown)))
}

function partsRow({ cell, name, breakdown }: BreakdownRow, shown: readonly OverheadPart[]): Markup {
  const { typical, slowest } = breakdown
  const both = (one: number, other: number): Markup => all(time(one), tag('small', {}, time(other)))
  return tag(
    'tr',
    { class: cell.verdict === 'INVALID' ? 'invalid' : undefined },
    tag('th', { scope: 'row' }, cellLink(cell, name), tag('small', {}, plural(breakdown.tasks, 'task'))),
    tag('td', { class: 'number', 'data-label': 'Total' }, both(typical.totalMs, slowest.totalMs)),
    ...shown.map((part) =>
      tag('td', { class: 'number', 'data-label': partHeads[part] }, both(typical.parts[part], slowest.parts[part])),
    ),
    tag('td', { class: 'axis' }, bars([typical, slowest], shown)),
  )
}

/** What rounds to nothing is nothing here: the bar is of tenths of a millisecond and more. */
function time(ms: number): string {
  return Math.abs(ms) < 0.05 ? '–' : duration(ms)
}

function bars(groups: readonly PartsOfGroup[], shown: readonly OverheadPart[]): Markup {
  const words = groups.map(({ totalMs }) => duration(totalMs)).join(' typically, the slowest ')
  return picture(
    [width, groups.length * (barHeight + 3)],
    `parts of the overhead: ${words}`,
    'whisker',
    ...groups.map((group, i) => partsBar(group, shown, { y: i * (barHeight + 3) + 1, width, height: barHeight })),
  )
}

interface Place {
  readonly y: number
  readonly width: number
  readonly height: number
}

/** Shares of the whole; what is below nothing by the rounding of clocks has no width. */
export function partsBar(
  { parts }: Pick<PartsOfGroup, 'parts'>,
  shown: readonly OverheadPart[],
  { y, width: whole, height }: Place,
): Markup {
  const size = (part: OverheadPart): number => Math.max(0, parts[part])
  const sum = shown.reduce((total, part) => total + size(part), 0) || 1
  let x = 0
  const drawn = shown.map((part) => {
    const [from, wide] = [x, (size(part) / sum) * whole]
    x += wide
    const words = tag('title', {}, `${partHeads[part]} ${duration(parts[part])}`)
    return wide > 0 && rect({ x: from, y, width: wide, height }, `p-${part}`, words)
  })
  return all(drawn)
}

export function swatch(part: OverheadPart): Markup {
  return tag('i', { class: `swatch p-${part}` })
}

function meanings(shown: readonly OverheadPart[]): Markup {
  const items = shown.map((part) =>
    tag('li', {}, swatch(part), tag('b', {}, ` ${partHeads[part]} `), overheadParts[part]),
  )
  return tag('ul', { class: 'legend' }, ...items)
}

function compressed({ plan }: RunResults): Markup | undefined {
  if (plan.timeScale === 1) return undefined
  return note(
    `Time is compressed ${plan.timeScale} times, and milliseconds do not scale: compare the parts, do not quote them.`,
  )
}
