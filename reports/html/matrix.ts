import { isBeyondRuntime, summarizeNotApplicable } from '../../harness/model/plan-remarks.ts'
import type { CellResult, FaultEpisode, RunResults } from '../../harness/model/results.ts'
import { count, duration, percent, plural, shareOf, shownInterval } from '../numbers.ts'
import { promisesOf, type PromisesWord } from '../outcomes.ts'
import { armGroups, failureBound, fewestTasks, patternOrder, tooSmall, type ArmGroup } from '../arm-groups.ts'
import { all, tag, type Child, type Markup } from './markup.ts'
import { cellLink, episodesAnchor, note, scroll } from './elements.ts'

/** Upper bounds of the failure share that get one shade each; the last one holds all above. */
const shades = [
  [0.02, 'up to 2 %'],
  [0.05, 'up to 5 %'],
  [0.1, 'up to 10 %'],
  [0.25, 'up to 25 %'],
  [1, 'more'],
] as const

/** Fault by pattern: what came through, how sure that is, and inside of each square what its faults did. */
export function matrix(results: RunResults): Markup {
  const groups = armGroups(results)
  const heads = groups.map(({ arm }) => tag('th', { scope: 'col' }, arm))
  const rows = patternOrder(results).map((pattern) =>
    tag('tr', {}, tag('th', { scope: 'row' }, pattern), ...groups.map((group) => square(group, pattern))),
  )
  return all(
    scroll(
      'success by pattern and fault',
      tag(
        'table',
        { class: 'matrix' },
        tag('thead', {}, tag('tr', {}, tag('td', {}), ...heads)),
        tag('tbody', {}, ...rows),
      ),
    ),
    legend(),
    ...beyondRuntime(results),
  )
}

/** Columns of nothing but n/a would hide the others. */
function beyondRuntime({ plan }: RunResults): readonly Markup[] {
  const { runtime, notApplicable } = plan
  const beyond = summarizeNotApplicable({ runtime, notApplicable: notApplicable.filter(isBeyondRuntime) })
  return beyond.map(({ what, why }) => note(`n/a: ${what}: ${why}`))
}

function square(group: ArmGroup, pattern: string): Markup {
  const cells = group.cells.filter(({ cell }) => cell.pattern === pattern)
  const absent = group.notApplicable.find((entry) => entry.pattern === pattern)
  if (cells.length === 0) {
    const why = absent ? tag('abbr', { title: absent.reason, tabindex: 0 }, absent.broken ? 'null' : 'n/a') : 'not run'
    return tag('td', { class: 'na' }, why, absent && tag('small', {}, absent.reason))
  }
  return tag('td', {}, ...cells.map(tile))
}

/** Shut it shows the share, open what every fault did. */
export function tile(cell: CellResult): Markup {
  const { success, verdict } = cell
  if (success.n === 0) return tag('div', { class: 'tile invalid' }, cellLink(cell, 'no tasks'), mark(promisesOf(cell)))
  const small = tooSmall(success)
  const css = `tile ${verdict === 'INVALID' ? 'invalid' : `shade-${shadeOf(cell)}`} ${small ? 'hatched' : ''}`
  return tag(
    'details',
    { class: css, title: small },
    tag(
      'summary',
      {},
      tag('b', {}, percent(shareOf(success))),
      ` ${count(success.successes)}/${count(success.n)}`,
      tag('span', {}, shownInterval(success)),
      mark(promisesOf(cell)),
    ),
    episodesIn(cell),
    tag('p', {}, cellLink(cell, 'all evidence')),
  )
}

const mostEpisodes = 6

/** The worst first. */
function episodesIn(cell: CellResult): Markup {
  const { episodes, faults } = cell
  if (episodes.length === 0) return tag('p', {}, faults.length === 0 ? 'No fault.' : conditions(cell))
  const worst = episodes.toSorted((a, b) => b.lostTasks - a.lostTasks || b.affectedTasks - a.affectedTasks)
  const more = worst.length - mostEpisodes
  return all(
    tag('ul', {}, ...worst.slice(0, mostEpisodes).map(episodeItem)),
    more > 0 && tag('p', {}, tag('a', { href: `#${episodesAnchor(cell)}` }, plural(more, 'more episode'))),
  )
}

function episodeItem({ fault, startedAt, affectedTasks, lostTasks, taskStallMsMax }: FaultEpisode): Markup {
  const stall = taskStallMsMax === undefined ? '' : `, stalled up to ${duration(taskStallMsMax)}`
  const did = `${count(affectedTasks)} hit, ${count(lostTasks)} lost${stall}`
  return tag('li', {}, tag('b', {}, fault), ` at ${duration(startedAt)}: ${did}`)
}

/** What has no before and after has no episodes. */
function conditions({ faults }: CellResult): string {
  return `No episodes: ${[...new Set(faults.map(({ fault }) => fault))].join(', ')} held throughout, or touched nothing.`
}

function mark(word: PromisesWord): Child {
  if (word === 'kept' || word === 'none made') return false
  return tag('em', {}, word === 'INVALID' || word === 'INCONCLUSIVE' ? word.toLowerCase() : `promises ${word}`)
}

function shadeOf({ success }: CellResult): number {
  const bound = failureBound(success)
  return shades.findIndex(([limit]) => bound <= limit + 1e-9)
}

function legend(): Markup {
  const items = shades.map(([, text], i) => all(tag('i', { class: `swatch shade-${i}` }), ` ${text} `))
  return note(
    'Shaded by the share of failures that the interval cannot exclude: ',
    ...items,
    tag('i', { class: 'swatch hatched' }),
    ` hatched: fewer than ${fewestTasks} tasks, too few to settle anything `,
    tag('i', { class: 'swatch invalid' }),
    ' grey: invalid',
  )
}
