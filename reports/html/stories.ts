import type { RunResults, TaskRow } from '../../harness/model/results.ts'
import { type Story, type StoryLine, storyReasons } from '../../harness/model/story.ts'
import { type Parts, partNames } from '../../harness/model/overhead-parts.ts'
import { armGroups } from '../arm-groups.ts'
import { duration, plural } from '../numbers.ts'
import { partHeads } from '../overhead-parts.ts'
import { explainCommand } from '../replay.ts'
import { note, outcomeClass, outcomeName, scroll, section, storyAnchor, table } from './elements.ts'
import { all, type Child, type Markup, tag } from './markup.ts'
import { label, line, linearScale, picture, rect, type Scale } from './svg.ts'
import { partsBar, swatch } from './waterfall.ts'

/** The tasks that have a page of their own, and why. */
export function storyIndex(results: RunResults): Markup | undefined {
  const stories = inOrder(results)
  if (stories.length === 0) return undefined
  const rows = stories.map((story, i): readonly Child[] => {
    const row = rowOf(results, story)
    const { task, cell, why } = story
    return [
      tag('a', { href: `#${storyAnchor(story)}` }, task),
      cell,
      row ? outcomeName(row.outcome) : '–',
      beyond(row),
      stories[i - 1]?.why === why ? why : `${why}: ${storyReasons[why]}`,
    ]
  })
  return section(
    'tasks',
    'Tasks worth reading about',
    'A page each, with everything that the history says of the task, in the order of time. Every other task has the same page on a terminal.',
    table(['Task', 'Cell', 'What became of it', 'Beyond its work', 'Why it is here'], rows),
    note('Any other: ', tag('code', {}, explainCommand(results, stories[0]!.task, stories[0]!.cell))),
  )
}

/** What weighs most first, then as the cells are everywhere in the report. */
function inOrder(results: RunResults): readonly Story[] {
  const reasons = Object.keys(storyReasons)
  const cells = armGroups(results).flatMap((group) => group.cells.map(({ cell }) => cell.id))
  const place = ({ why, cell }: Story): number => reasons.indexOf(why) * cells.length + cells.indexOf(cell)
  return (results.stories ?? []).toSorted((a, b) => place(a) - place(b))
}

function rowOf({ cells }: RunResults, { cell, task }: Story): TaskRow | undefined {
  return cells.find((one) => one.cell.id === cell)?.tasks.find((row) => row.task === task)
}

function beyond(row: TaskRow | undefined): string {
  if (!row) return '–'
  return row.seenAt === undefined ? '∞' : duration(row.seenAt - row.intendedAt - row.idealMs)
}

/** Pages within the page: of each only what its address names is shown. */
export function storyPages(results: RunResults): Markup | undefined {
  const stories = inOrder(results)
  if (stories.length === 0) return undefined
  const pages = stories.map((story, i) => page(results, story, { before: stories[i - 1], after: stories[i + 1] }))
  return tag('div', { id: 'stories' }, ...pages)
}

interface Neighbours {
  readonly before: Story | undefined
  readonly after: Story | undefined
}

function page(results: RunResults, story: Story, { before, after }: Neighbours): Markup {
  const { cell, task, why, head, end } = story
  const row = rowOf(results, story)
  const outcome = row && tag('i', { class: `swatch ${outcomeClass(row.outcome)}` })
  return tag(
    'article',
    { id: storyAnchor(story), class: 'story', 'aria-label': `${task} in ${cell}` },
    tag(
      'nav',
      { 'aria-label': `around ${task} in ${cell}` },
      tag('a', { href: '#tasks' }, '← the report'),
      tag('a', { href: `#${anchorOf(cell)}` }, `the cell ${cell}`),
      before && tag('a', { href: `#${storyAnchor(before)}` }, `previous: ${before.task}`),
      after && tag('a', { href: `#${storyAnchor(after)}` }, `next: ${after.task}`),
    ),
    tag('h2', {}, task, tag('small', {}, ` in ${cell}`)),
    tag('p', { class: 'headline' }, outcome, ` ${end}`),
    tag('p', { class: 'quiet' }, `Here because ${storyReasons[why]}. ${head}`),
    story.parts && partsOfOne(story.parts),
    scroll(`when what happened to ${task}`, lanes(story)),
    story.lines.length > 0 && linesTable(story),
    tag('p', { class: 'quiet' }, 'On a terminal: ', tag('code', {}, explainCommand(results, task, cell))),
  )
}

function anchorOf(cell: string): string {
  return `cell-${cell}`
}

function partsOfOne(parts: Parts): Markup {
  const shown = partNames.filter((name) => Math.abs(parts[name]) >= 0.05)
  const place = { y: 0, width: 720, height: 14 }
  const words = shown.map((name) => `${partHeads[name]} ${duration(parts[name])}`).join(', ')
  return all(
    picture([720, 14], `its overhead: ${words}`, 'parts', partsBar({ parts }, shown, place)),
    tag(
      'ul',
      { class: 'legend' },
      ...shown.map((name) => tag('li', {}, swatch(name), ` ${partHeads[name]} `, tag('b', {}, duration(parts[name])))),
    ),
  )
}

function linesTable({ lines, intendedAt, leftOut }: Story): Markup {
  const rows = lines.map(({ at, about, text }) =>
    tag(
      'tr',
      { class: `by-${about}` },
      tag('th', { scope: 'row' }, offset(at - intendedAt)),
      tag('td', {}, about),
      tag('td', {}, text),
    ),
  )
  if (leftOut) rows.splice(leftOut.after, 0, gapRow(leftOut.lines))
  const heads = ['Since its start', 'About', 'What happened'].map((text) => tag('th', { scope: 'col' }, text))
  return scroll(
    'what happened, in the order of time',
    tag('table', { class: 'plain' }, tag('thead', {}, tag('tr', {}, ...heads)), tag('tbody', {}, ...rows)),
  )
}

function gapRow(missing: number): Markup {
  return tag(
    'tr',
    { class: 'gap' },
    tag('td', { colspan: 3 }, `${plural(missing, 'line')} left out, all of them on a terminal`),
  )
}

/** As `explain` writes it. */
function offset(ms: number): string {
  return `${ms < 0 ? '-' : '+'}${(Math.abs(ms) / 1000).toFixed(3)} s`
}

const laneNames = ['client', 'work', 'node'] as const
const [pictureWidth, left, laneHeight] = [1000, 56, 26]

/** The same in one look: what lasts is a bar, what happens is a stroke, and faults are the bands behind. Not what was read long after. */
function lanes({ lines: told, intendedAt, task }: Story): Markup {
  const lines = told.filter(({ about }) => about !== 'after')
  const from = lines.reduce((first, { at }) => Math.min(first, at), intendedAt)
  const until = lines.reduce((last, { at, until: end }) => Math.max(last, end ?? at), intendedAt + 1)
  const x = linearScale(from - intendedAt, until - intendedAt, pictureWidth - left - 16, 10)
  const at = (ms: number): number => left + x(ms - intendedAt)
  const bottom = laneHeight * laneNames.length + 6
  return picture(
    [pictureWidth, bottom + 22],
    `what happened to ${task}, over time`,
    'lanes',
    ...timeTicks(x, bottom),
    ...lines.filter(({ about }) => about === 'fault').map((one) => band(one, at, bottom)),
    ...laneNames.map((name, i) => lane(lines, name, { y: i * laneHeight + 4, at })),
  )
}

function timeTicks(x: Scale, bottom: number): readonly Markup[] {
  return x.ticks.map((tick) =>
    all(
      line([left + x(tick), 0], [left + x(tick), bottom], 'grid'),
      label(left + x(tick), bottom + 15, 'tick', tick === 0 ? '0' : duration(tick).replace(/\.0+ /, ' ')),
    ),
  )
}

function band({ at: start, until, text }: StoryLine, at: (ms: number) => number, bottom: number): Markup {
  const [from, to] = [at(start), at(until ?? start)]
  return rect({ x: from, y: 0, width: Math.max(to - from, 1.5), height: bottom }, 'fault', tag('title', {}, text))
}

function lane(
  lines: readonly StoryLine[],
  name: (typeof laneNames)[number],
  { y, at }: { readonly y: number; readonly at: (ms: number) => number },
): Markup {
  const own = lines.filter(({ about }) => about === name)
  const marks = own.map(({ at: start, until, text }) => {
    const wide = until === undefined ? 2 : Math.max(at(until) - at(start), 2)
    const css = `mark ${name}${text.includes(' AGAIN ') ? ' again' : ''}`
    return rect({ x: at(start), y, width: wide, height: laneHeight - 8 }, css, tag('title', {}, text))
  })
  return all(label(left - 8, y + 13, 'tick end', name), ...marks)
}
