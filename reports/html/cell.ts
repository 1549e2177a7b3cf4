import { placeNames } from '../../harness/model/place.ts'
import { uncontrolledIn } from '../../harness/model/plan-remarks.ts'
import {
  outcomes,
  type CellResult,
  type CheckResult,
  type FaultEpisode,
  type FaultResult,
  type RunResults,
} from '../../harness/model/results.ts'
import { healthFacts } from '../caveats.ts'
import { count, duration, percent, percentInterval, plural, shareOf } from '../numbers.ts'
import { waitingTime } from '../recovery.ts'
import { checkWord, promisesOf } from '../outcomes.ts'
import { explainCommand } from '../replay.ts'
import { windowWords } from '../windows.ts'
import { lifelines } from './lifelines.ts'
import { all, tag, type Child, type Markup } from './markup.ts'
import {
  anchor,
  badge,
  episodesAnchor,
  folded,
  outcomeClass,
  outcomeName,
  outcomeOrder,
  scroll,
  storyAnchor,
  table,
} from './elements.ts'

/** Everything about one cell. */
export function cellSection(result: CellResult, results: RunResults): Markup {
  const { cell, reasons } = result
  return tag(
    'section',
    { id: anchor(result), class: 'cell' },
    tag(
      'header',
      {},
      tag('h3', {}, cell.pattern, tag('small', {}, ` under ${cell.arm}`)),
      tag('span', {}, 'promises ', badge(promisesOf(result))),
    ),
    tag('p', { class: 'quiet' }, setting(result)),
    ...untouched(result),
    reasons.length > 0 &&
      tag('ul', { class: 'reasons' }, ...reasons.map((reason) => tag('li', {}, reason.replace(`${cell.id}: `, '')))),
    outcomeBar(result),
    proportions(result),
    scroll(`every task of ${cell.id} over time`, lifelines(result)),
    lostTasks(result, results),
    checkTable(result.checks),
    faultTable(result.faults),
    episodeTable(result),
    healthLine(result),
  )
}

function setting({ cell }: CellResult): string {
  const { delivery, engine, replicas, load, tasks, seed, id } = cell
  const parts = [
    id,
    `${delivery} × ${engine}`,
    `${plural(tasks, 'task')}, ${load.arrivals} at ${load.ratePerSec.toFixed(2)}/s`,
    `${replicas.api} API and ${plural(replicas.executor, 'executor replica')}`,
    `grace ${duration(cell.graceMs)}`,
    `seed ${seed}`,
  ]
  return parts.join(' · ')
}

function untouched({ cell }: CellResult): readonly Markup[] {
  const { untouchedBy = [] } = cell
  return [
    ...untouchedBy.map(({ fault, reason }) => `Not touched by ${fault}: ${reason}.`),
    ...uncontrolledIn(cell).map((line) => `No ${line}.`),
  ].map((line) => tag('p', { class: 'quiet' }, line))
}

/** One bar of all tasks, and what each colour in it means. */
function outcomeBar({ outcomes: counts, success }: CellResult): Markup | undefined {
  const present = outcomeOrder.filter((name) => counts[name] > 0)
  if (success.n === 0) return tag('p', {}, 'No task was intended: there is nothing to show.')
  return all(
    tag(
      'div',
      { class: 'outcomes', 'aria-hidden': 'true' },
      ...present.map((name) => tag('i', { class: outcomeClass(name), style: `flex-grow:${counts[name]}` })),
    ),
    tag(
      'ul',
      { class: 'legend' },
      ...present.map((name) =>
        tag(
          'li',
          {},
          tag('i', { class: `swatch ${outcomeClass(name)}` }),
          tag('b', {}, ` ${count(counts[name])} ${outcomeName(name)}`),
          ` ${outcomes[name]}`,
        ),
      ),
    ),
  )
}

function proportions({ success, exposed, serverSuccess, rework }: CellResult): Markup | undefined {
  if (success.n === 0) return undefined
  const fact = (name: string, share: typeof success | undefined, meaning: string): readonly Child[] => {
    if (!share || share.n === 0) return [name, '–', '–', '–', meaning]
    const { interval, method } = share
    const sum = `${count(share.successes)}/${count(share.n)}`
    return [
      name,
      tag('b', {}, percent(shareOf(share))),
      sum,
      interval ? `${percentInterval(interval)} (${method})` : method,
      meaning,
    ]
  }
  const steps = `${count(rework.executedSteps)} steps for ${count(rework.plannedSteps)} planned`
  const waste = `${count(rework.duplicateEffects)} duplicate effects, ${duration(rework.wastedMs)} of work thrown away`
  return table(
    ['', 'share', 'tasks', '95 % interval', ''],
    [
      fact('Success', success, 'the right result, seen before the deadline'),
      fact('Success among exposed', exposed, 'only tasks whose life overlapped a proven fault'),
      fact('Result at the server', serverSuccess, 'the gap to success is what the delivery lost'),
      ['Work re-executed', tag('b', {}, percent(rework.ratio)), '', steps, waste],
    ],
    'plain facts',
  )
}

/** The first tasks that were not ok, and how to read their stories. */
function lostTasks({ tasks, cell }: CellResult, results: RunResults): Markup | undefined {
  const bad = tasks.filter(({ outcome }) => outcome !== 'ok')
  if (bad.length === 0) return undefined
  const told = new Set(results.stories?.flatMap((story) => (story.cell === cell.id ? [story.task] : [])))
  const named = bad.slice(0, 12).map(({ task, outcome }, i) => {
    const name = told.has(task) ? tag('a', { href: `#${storyAnchor({ cell: cell.id, task })}` }, task) : task
    return all(i > 0 && ', ', name, ` (${outcomeName(outcome)})`)
  })
  const more = bad.length > named.length ? `, and ${count(bad.length - named.length)} more` : ''
  return tag(
    'p',
    { class: 'lost' },
    'Not ok: ',
    ...named,
    `${more}. The story of one: `,
    tag('code', {}, explainCommand(results, bad[0]!.task, cell.id)),
  )
}

function checkTable(checks: readonly CheckResult[]): Markup | undefined {
  if (checks.length === 0) return undefined
  const rows = checks.map((check) => {
    const role = check.judges ? (check.promised ? 'promised' : 'measured') : 'the run'
    const harmless = check.status === 'fail' && check.judges && !check.promised
    const css = `status ${harmless ? 'measured' : check.status}`
    return [check.checker, tag('span', { class: css }, checkWord(check)), role, check.summary, witnesses(check)]
  })
  return table(['Check', 'Status', 'Promise', 'What was found', 'Lines of history.ndjson'], rows)
}

function witnesses({ witnesses: indexes }: CheckResult): string {
  const lines = indexes.slice(0, 5).map((index) => index + 1)
  return lines.join(', ') + (indexes.length > 5 ? ', …' : '')
}

function faultTable(faults: readonly FaultResult[]): Markup | undefined {
  if (faults.length === 0) return undefined
  const proven = faults.filter(isProven).length
  const rows = faults.map((fault) => [
    fault.id,
    placeNames(fault.target),
    proofWord(fault),
    fault.state,
    fault.firings === undefined ? '–' : count(fault.firings),
    fault.armedAt === undefined ? '–' : duration(fault.armedAt),
    fault.healedAt === undefined ? '–' : duration(fault.healedAt),
    windowWords(fault),
    fault.reason ?? '',
  ])
  const heads = ['Fault', 'Target', 'Proof', 'State', 'Firings', 'Armed at', 'Healed at', 'Window', 'Reason']
  const summary = `${plural(faults.length, 'fault')}, ${proven === faults.length ? 'all' : proven} proven`
  return folded(summary, faults.length <= 4 || proven < faults.length, table(heads, rows))
}

function isProven({ proven, state }: FaultResult): boolean {
  return proven && state !== 'partly'
}

function proofWord(fault: FaultResult): Markup {
  const word = fault.state === 'partly' ? 'in part' : fault.proven ? 'proven' : 'not proven'
  return tag('span', { class: `status ${isProven(fault) ? 'pass' : 'fail'}` }, word)
}

function restoredText({ restored }: FaultEpisode): string {
  if (!restored) return 'lasting'
  if (restored.kind === 'beyond') return waitingTime({ beyondMs: restored.ms })
  if (restored.kind === 'restored') return waitingTime(restored)
  return restored.kind === 'unbroken' ? 'none seen' : 'too few'
}

function episodeTable(result: CellResult): Markup | undefined {
  const { episodes, attemptsUntold } = result
  if (episodes.length === 0) return undefined
  const time = (ms: number | undefined): string => (ms === undefined ? '–' : duration(ms))
  const rows = episodes.map((episode) => [
    episode.fault,
    `${duration(episode.startedAt)} to ${duration(episode.endedAt)}`,
    count(episode.affectedTasks),
    count(episode.lostTasks),
    time(episode.detectionMs),
    `${time(episode.taskStallMsMedian)} / ${time(episode.taskStallMsMax)}`,
    attemptsUntold ? 'not told' : `${count(episode.wentOnTasks)} of ${count(episode.interruptedTasks)}`,
    restoredText(episode),
    count(episode.reworkedSteps),
    count(episode.duplicateEffects),
  ])
  const heads = ['Episode', 'Window', 'Tasks hit', 'Lost', 'Detected', 'Stall median / max']
  const lost = episodes.reduce((sum, { lostTasks: tasks }) => sum + tasks, 0)
  const summary = `${plural(episodes.length, 'episode')}, ${plural(lost, 'task')} lost in them`
  return folded(
    summary,
    episodes.length <= 4,
    // Within what is folded: a browser opens that when a link leads into it.
    tag(
      'div',
      { id: episodesAnchor(result) },
      table([...heads, 'Went on', 'Service restored', 'Steps again', 'Duplicate effects'], rows),
    ),
  )
}

function healthLine(result: CellResult): Markup {
  const facts = healthFacts(result)
  if (facts.length === 0) return tag('p', { class: 'quiet' }, 'The harness did not measure itself in this cell.')
  const items = facts.map(([name, text, fine], i) =>
    all(i > 0 && ' · ', fine ? `${name} ${text}` : tag('b', { class: 'status fail' }, `${name} ${text}`)),
  )
  return tag('p', { class: 'quiet' }, 'Harness: ', ...items)
}
