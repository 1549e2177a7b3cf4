import type { CellResult, Environment, RunResults } from '../../harness/model/results.ts'
import { caveatsOf } from '../caveats.ts'
import { comparisonMeaning, firstPatternTable } from '../compare.ts'
import { diskSentence } from '../disk.ts'
import { plural } from '../numbers.ts'
import { recoveryHeads, recoveryMeaning, recoveryRows } from '../recovery.ts'
import { replayOf, reportCommand } from '../replay.ts'
import { headline, promisesLine, verdictMeaning } from '../outcomes.ts'
import type { SideTable } from '../side-table.ts'
import { sideTables } from '../side-tables.ts'
import { armGroups } from '../arm-groups.ts'
import { cellSection } from './cell.ts'
import { claims, gates } from './claims.ts'
import { all, type Child, type Markup, tag, trusted } from './markup.ts'
import { matrix, tile } from './matrix.ts'
import { badge, folded, note, section, table } from './elements.ts'
import { curves } from './curves.ts'
import { differences } from './differences.ts'
import { scatter } from './scatter.ts'
import { storyIndex, storyPages } from './stories.ts'
import { strip } from './strip.ts'
import { styles } from './styles.ts'
import { waterfall } from './waterfall.ts'
import { type Factorial, factorialsOf } from '../factorial.ts'

/** The whole report: one page without scripts, fonts or requests. */
export function page(results: RunResults): Markup {
  const { plan, cells } = results
  const ordered = armGroups(results).flatMap((group) => group.cells)
  return all(
    trusted('<!doctype html>\n'),
    tag(
      'html',
      { lang: 'en' },
      head(`${results.verdict}: ${plan.scenario} – outlast`),
      tag(
        'body',
        {},
        header(results),
        tag(
          'main',
          {},
          cells.length > 0 && section('patterns', 'The patterns side by side', undefined, strip(results)),
          section(
            'matrix',
            'Fault by pattern',
            'The share of tasks that succeeded. Each square opens: what every fault did, and the way to all evidence.',
            matrix(results),
          ),
          gates(results),
          claims(results),
          factorial(results),
          waterfall(results),
          curves(results),
          recovery(results),
          comparison(results),
          scatter(results),
          trust(results),
          tag(
            'div',
            { id: 'appendix' },
            storyIndex(results),
            ...sideTables(results).map(sideTable),
            section('cells', 'Every cell', cellsLead, ...ordered.map((cell) => cellSection(cell, results))),
          ),
        ),
        footer(results),
        storyPages(results),
      ),
    ),
  )
}

const cellsLead =
  'Above in each picture, one bar per task from its intended start to the moment the client saw the end: pale for the time that it was bound to take, dark beyond. A cross ends a task whose right result the client never saw. Below, how late each one was, placed at the moment it was due. Bands are faults.'

function head(title: string): Markup {
  return tag(
    'head',
    {},
    tag('meta', { charset: 'utf-8' }),
    tag('meta', { name: 'viewport', content: 'width=device-width, initial-scale=1' }),
    tag('meta', { name: 'color-scheme', content: 'light dark' }),
    // A data: icon keeps browsers from asking for /favicon.ico.
    tag('link', { rel: 'icon', href: 'data:,' }),
    tag('title', {}, title),
    tag('style', {}, trusted(styles)),
  )
}

function header(results: RunResults): Markup {
  const { plan, environment, verdict, reasons } = results
  const tasks = plan.cells.reduce((sum, cell) => sum + cell.tasks, 0)
  const facts = [
    environment.startedAt.replace('T', ' ').replace(/\.\d+Z$/, ' UTC'),
    `runtime ${plan.runtime}`,
    `${plural(plan.cells.length, 'cell')}, ${plural(tasks, 'task')}`,
    `seed ${plan.seed}`,
    plan.timeScale === 1 ? 'full length' : `time compressed ${plan.timeScale}×`,
  ]
  return tag(
    'header',
    { class: 'top' },
    tag(
      'div',
      { class: 'title' },
      tag('span', { class: 'brand' }, 'outlast'),
      tag('h1', {}, plan.scenario),
      badge(verdict),
    ),
    tag('p', { class: 'question' }, plan.question),
    tag('p', { class: 'headline' }, [headline(results), promisesLine(results)].filter(Boolean).join(' · ')),
    tag('p', { class: 'quiet' }, `${verdict}: ${verdictMeaning(results)}. ${facts.join(' · ')}`),
    ...reasonLists(reasons),
    tag('p', { class: 'quiet again' }, 'Again: ', tag('code', {}, replayOf(results))),
  )
}

/** The worst ones at once, the rest folded. */
function reasonLists(reasons: readonly string[]): readonly Child[] {
  const list = (some: readonly string[]): Markup =>
    tag('ul', { class: 'reasons' }, ...some.map((reason) => tag('li', {}, reason)))
  const [first, rest] = [reasons.slice(0, mostReasons), reasons.slice(mostReasons)]
  return [
    first.length > 0 && list(first),
    rest.length > 0 && folded(plural(rest.length, 'more reason'), false, list(rest)),
  ]
}

const mostReasons = 3

function trust(results: RunResults): Markup {
  const caveats = caveatsOf(results)
  const body =
    caveats.length > 0
      ? tag('ul', {}, ...caveats.map((sentence) => tag('li', {}, sentence)))
      : tag(
          'p',
          {},
          'Nothing is known against this run: every fault is proven, the harness was healthy, no cell is too small.',
        )
  return tag('section', { id: 'trust', class: 'trust' }, tag('h2', {}, 'When not to trust this'), body)
}

function recovery(results: RunResults): Child {
  const rows = recoveryRows(results)
  if (rows.length === 0) return undefined
  return section('recovery', 'Recovery', undefined, table(recoveryHeads, rows), note(recoveryMeaning))
}

function comparison(results: RunResults): Child {
  const found = firstPatternTable(results)
  if (!found) return undefined
  const notes = found.notes.length > 0 && tag('ul', {}, ...found.notes.map((text) => tag('li', {}, text)))
  const rows = found.rows.length > 0 && table(found.heads, found.rows)
  const title = `Against ${found.first}, the first pattern`
  return section('against', title, comparisonMeaning, differences(results), rows, notes)
}

function sideTable({ id, head, heads, rows, meaning }: SideTable): Child {
  return section(id, head, undefined, table(heads, rows), note(meaning))
}

function footer(results: RunResults): Markup {
  const { environment, run } = results
  const disk = diskSentence(results)
  return tag(
    'footer',
    {},
    tag('p', {}, environmentLine(environment)),
    ...(disk === undefined ? [] : [tag('p', {}, disk)]),
    ...Object.entries(environment.runtime).map(([what, told]) => tag('p', {}, `${what}: ${told}`)),
    tag(
      'p',
      {},
      Object.entries(environment.versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(' · '),
    ),
    note(
      'Promises kept says nothing about success: what a pattern loses without having promised otherwise is a measurement. ',
      `Everything on this page is a pure function of the histories in ${run}/cells: `,
      tag('code', {}, reportCommand(results)),
      ' makes it again.',
    ),
  )
}

function environmentLine(at: Environment): string {
  const commit = at.commit ? ` (${at.commit.slice(0, 10)}${at.dirty ? ', changed' : ''})` : ''
  const memory = `${(at.memoryBytes / 2 ** 30).toFixed(1)} GiB`
  const machine = `${at.cpu}, ${plural(at.cores, 'core')}, ${memory}`
  return `outlast ${at.outlast}${commit} · Node ${at.node} · ${at.platform}, kernel ${at.kernel} · ${machine}`
}

const lead =
  'One square per arm. Downwards the way in which a client learns of the end is hardened, to the right the way in which work survives a crash; what hardening one axis alone cannot reach is the corner.'

/** One picture of both axes: a grid per arm, shaded as the matrix is. */
function factorial(results: RunResults): Child {
  const found = factorialsOf(results)
  if (found.length === 0) return undefined
  return section('factorial', 'Delivery by engine', lead, tag('div', { class: 'grids' }, ...found.map(grid)))
}

function grid({ arm, engines, rows }: Factorial): Markup {
  const heads = [tag('th', { scope: 'col' }, arm), ...engines.map((name) => tag('th', { scope: 'col' }, name))]
  const body = rows.map(({ delivery, squares }) =>
    tag('tr', {}, tag('th', { scope: 'row' }, delivery), ...squares.map(square)),
  )
  return tag('table', { class: 'matrix' }, tag('thead', {}, tag('tr', {}, ...heads)), tag('tbody', {}, ...body))
}

function square(cells: readonly CellResult[]): Markup {
  return cells.length === 0 ? tag('td', { class: 'na' }, 'n/a') : tag('td', {}, ...cells.map(tile))
}
