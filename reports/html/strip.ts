import type { CellResult, RunResults } from '../../harness/model/results.ts'
import type { RecoveryResult } from '../../harness/model/judgements.ts'
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
import { waitingTime } from '../recovery.ts'
import { all, tag, type Child, type Markup } from './markup.ts'
import { badge, cellLink, note, scroll } from './elements.ts'

const width = 190
const inset = 16

/** The comparison: for each arm a row per pattern, with failures on one shared log axis. */
export function strip(results: RunResults): Markup {
  const most = Math.max(...results.cells.map(({ success }) => success.n), 1)
  const scale = failureScale(most, width - 2 * inset)
  const groups = armGroups(results).filter(({ cells }) => cells.length > 0)
  return all(
    scroll(
      'the patterns side by side',
      tag('table', { class: 'strip' }, heads(scale), ...groups.map((group) => armBody(results, group, scale))),
    ),
    note(legend, ' ', bracketsMeaning),
    note(
      'Failures are one minus success, on a logarithmic axis: a step to the left is ten times fewer. The bar is the 95 % interval; ',
      'an open circle is a record without a failure, where the bar shows what still cannot be excluded. Overhead is the time from the intended start ',
      'until the client saw the result, minus the time that a perfect execution takes; tasks without a result count as infinite (∞). Takeover: from the moment ',
      'at which an outage cut a step until somebody went on, median over the interrupted tasks of all repetitions. Requests: of the client, per task.',
    ),
  )
}

/** In the order of the columns; the phone names each number by it. */
const names = {
  promises: 'Promises',
  success: 'Success',
  of: 'Of them',
  p50: 'Overhead p50',
  p95: 'Overhead p95',
  p99: 'Overhead p99',
  takeover: 'Takeover',
  requests: 'Requests',
  rework: 'Re-executed',
} as const

function heads(scale: Scale): Markup {
  const head = (text: Child, css = 'number'): Markup => tag('th', { scope: 'col', class: css }, text)
  const two = (first: string, second: string): Markup => all(first, tag('br', {}), second)
  return tag(
    'thead',
    {},
    tag(
      'tr',
      {},
      head('Pattern', ''),
      head(names.promises, 'verdict'),
      head(names.success),
      head(all('Tasks that failed ', axisHead(scale)), 'axis'),
      head(names.of, 'of'),
      head(two('Overhead', 'p50')),
      head('p95'),
      head('p99'),
      head(two('Takeover', 'median')),
      head(two('Requests', 'per task')),
      head(two('Work', 're-executed')),
    ),
  )
}

function axisHead(scale: Scale): Markup {
  const ticks = scale.ticks.map((tick) => {
    return label(inset + scale(tick), 12, 'tick', percent(tick).replace('.0%', '%'))
  })
  return picture([width, 16], 'failures in percent, logarithmic', 'whisker', ...ticks)
}

/** For the phone, which shows no heads. */
function axisName({ ticks }: Scale): string {
  const [low, high] = [ticks[0] ?? 0, ticks.at(-1) ?? 1].map(percent)
  return `Tasks that failed, ${low} to ${high}, logarithmic`
}

function armBody(results: RunResults, group: ArmGroup, scale: Scale): Markup {
  const title = group.control ? `${group.arm} — the control: no fault` : `under ${group.arm}`
  return tag(
    'tbody',
    {},
    tag('tr', { class: 'arm' }, tag('th', { scope: 'colgroup', colspan: 11 }, title)),
    ...group.cells.map((cell) => row(results, group, cell, scale)),
  )
}

function row(results: RunResults, group: ArmGroup, cell: CellResult, scale: Scale): Markup {
  const { success, overhead, rework, outcomes } = cell
  const empty = success.n === 0
  const number = (name: keyof typeof names, text: Child): Markup =>
    tag('td', { class: 'number', 'data-label': names[name] }, text)
  return tag(
    'tr',
    { class: cell.verdict === 'INVALID' ? 'invalid' : undefined },
    tag('th', { scope: 'row' }, cellLink(cell, rowName(results, cell))),
    tag('td', { class: 'verdict' }, badge(promisesOf(cell))),
    tag(
      'td',
      { class: 'number success', 'data-label': names.success },
      tag('strong', {}, empty ? '–' : percent(shareOf(success))),
      tag('small', {}, intervalOf(success)),
    ),
    tag('td', { class: 'axis', 'data-label': axisName(scale) }, whisker(cell, scale)),
    tag('td', { class: 'of', 'data-label': names.of }, ofThem(cell, empty && outcomes.cut === 0)),
    number('p50', stacked(timeWithInterval(overhead, 'p50'))),
    number('p95', stacked(timeWithInterval(overhead, 'p95'))),
    number('p99', stacked(timeWithInterval(overhead, 'p99'))),
    takeoverOf(results, group, cell),
    number('requests', requestsOf(cell)),
    number('rework', stacked(reworkWithInterval(rework))),
  )
}

function ofThem({ success, outcomes }: CellResult, isNothing: boolean): Child {
  if (isNothing) return '–'
  return all(`${outcomeText(outcomes)} `, tag('small', {}, `of ${plural(success.n, 'task')}`))
}

/** Repetitions are pooled: the first one's row says it for all. */
function takeoverOf(results: RunResults, { cells }: ArmGroup, { cell }: CellResult): Markup | undefined {
  const own = cells.filter((one) => one.cell.pattern === cell.pattern)
  if (own[0]!.cell.id !== cell.id) return undefined
  const found = results.recovery.find(({ pattern, arm }) => pattern === cell.pattern && arm === cell.arm)
  const rowspan = own.length > 1 ? own.length : undefined
  return tag('td', { class: 'number', 'data-label': names.takeover, rowspan }, takeoverText(found))
}

function takeoverText(recovery: RecoveryResult | undefined): Child {
  const { takeover, interrupted } = recovery ?? {}
  if (!takeover || !interrupted) return '–'
  return all(waitingTime(takeover.p50), tag('small', {}, `p90 ${waitingTime(takeover.p90)}, ${count(interrupted)} cut`))
}

function requestsOf({ requests, callbacks }: CellResult): Child {
  if (requests.tasks === 0) return '–'
  const posts = callbacks && `and ${(callbacks.posts / requests.tasks).toFixed(2)} posts`
  return all((requests.requests / requests.tasks).toFixed(1), posts && tag('small', {}, posts))
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
