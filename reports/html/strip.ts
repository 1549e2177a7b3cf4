import type { CellResult, RunResults } from '../../harness/model/results.ts'
import { failureScale, type Scale, label, line, picture, rect } from './svg.ts'
import {
  count,
  percent,
  percentInterval,
  plural,
  shareOf,
  shownInterval,
  bracketsMeaning,
  reworkWithInterval,
  timeWithInterval,
} from '../numbers.ts'
import { legend, outcomeText, promisesOf } from '../outcomes.ts'
import { armGroups, rowName, tooSmall, type ArmGroup } from '../arm-groups.ts'
import { all, tag, type Child, type Markup } from './markup.ts'
import { badge, cellLink, note } from './elements.ts'

const width = 216
const inset = 18

/** The comparison: for each arm a row per pattern, with failures on one shared log axis. */
export function strip(results: RunResults): Markup {
  const most = Math.max(...results.cells.map(({ success }) => success.n), 1)
  const scale = failureScale(most, width - 2 * inset)
  const groups = armGroups(results).filter(({ cells }) => cells.length > 0)
  return all(
    tag(
      'div',
      { class: 'scroll' },
      tag('table', { class: 'strip' }, heads(scale), ...groups.map((group) => armBody(results, group, scale))),
    ),
    note(legend, ' ', bracketsMeaning),
    note(
      'Failures are one minus success, on a logarithmic axis: a step to the left is ten times fewer. The bar is the 95 % interval; ',
      'an open circle is a record without a failure, where the bar shows what still cannot be excluded. Overhead is the time from the intended start ',
      'until the client saw the result, minus the time that a perfect execution takes; tasks without a result count as infinite (∞).',
    ),
  )
}

function heads(scale: Scale): Markup {
  const head = (text: Child, css = 'number'): Markup => tag('th', { scope: 'col', class: css }, text)
  return tag(
    'thead',
    {},
    tag(
      'tr',
      {},
      head('Pattern', ''),
      head(all('Tasks that failed ', axisHead(scale)), 'axis'),
      head('Success'),
      head('95 % interval', 'interval'),
      head('Tasks'),
      head('Of them', ''),
      head(all('Overhead', tag('br', {}), 'p50')),
      head('p95'),
      head('p99'),
      head(all('Work', tag('br', {}), 're-executed')),
      head('Promises', 'verdict'),
    ),
  )
}

function axisHead(scale: Scale): Markup {
  const ticks = scale.ticks.map((tick) => {
    return label(inset + scale(tick), 12, 'tick', percent(tick).replace('.0%', '%'))
  })
  return picture([width, 16], 'failures in percent, logarithmic', 'whisker', ...ticks)
}

function armBody(results: RunResults, group: ArmGroup, scale: Scale): Markup {
  const title = group.control ? `${group.arm} — the control: no fault` : `under ${group.arm}`
  return tag(
    'tbody',
    {},
    tag('tr', { class: 'arm' }, tag('th', { scope: 'colgroup', colspan: 11 }, title)),
    ...group.cells.map((cell) => row(results, cell, scale)),
  )
}

function row(results: RunResults, cell: CellResult, scale: Scale): Markup {
  const { success, overhead, rework, outcomes } = cell
  const empty = success.n === 0
  const number = (text: Child): Markup => tag('td', { class: 'number' }, text)
  return tag(
    'tr',
    { class: cell.verdict === 'INVALID' ? 'invalid' : undefined },
    tag('th', { scope: 'row' }, cellLink(cell, rowName(results, cell))),
    tag('td', { class: 'axis' }, whisker(cell, scale)),
    number(tag('strong', {}, empty ? '–' : percent(shareOf(success)))),
    tag('td', { class: 'interval' }, intervalOf(success)),
    number(count(success.n)),
    tag('td', { class: 'of' }, empty && outcomes.cut === 0 ? '–' : outcomeText(outcomes)),
    number(stacked(timeWithInterval(overhead, 'p50'))),
    number(stacked(timeWithInterval(overhead, 'p95'))),
    number(stacked(timeWithInterval(overhead, 'p99'))),
    number(stacked(reworkWithInterval(rework))),
    tag('td', { class: 'verdict' }, badge(promisesOf(cell))),
  )
}

function intervalOf({ n, interval, faults }: CellResult['success']): string {
  if (n === 0) return '–'
  return interval ? percentInterval(interval) : `${plural(faults ?? 0, 'fault')}: too few`
}

function stacked(text: string): Markup {
  const [number = '', interval] = text.split(/ (?=[[(])/)
  return all(number, interval && tag('small', {}, interval))
}

function whisker({ success, verdict }: CellResult, scale: Scale): Markup {
  const middle = 12
  const grid = scale.ticks.map((tick) => line([inset + scale(tick), 0], [inset + scale(tick), 24], 'grid'))
  if (success.n === 0) return picture([width, 24], 'no tasks', 'whisker', ...grid)
  const { interval } = success
  if (!interval) return picture([width, 24], shownInterval(success), 'whisker', ...grid)
  const [low, high] = [inset + scale(1 - interval[1]), inset + scale(1 - interval[0])]
  const share = 1 - shareOf(success)
  const shade = `bar ${verdict === 'INVALID' ? 'invalid' : ''} ${tooSmall(success) ? 'small' : ''}`
  const point = { cx: inset + scale(share), cy: middle, r: share === 0 ? 4 : 4.5 }
  const words = `${percent(share)} failed, between ${percent(1 - interval[1])} and ${percent(1 - interval[0])}`
  return picture(
    [width, 24],
    words,
    'whisker',
    ...grid,
    rect({ x: low, y: middle - 3.5, width: Math.max(high - low, 1), height: 7 }, shade),
    tag('circle', { ...point, class: share === 0 ? 'point open' : 'point' }),
  )
}
