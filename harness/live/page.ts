import { hash } from 'node:crypto'
import { all, tag, trusted, type Markup } from '../../reports/html/markup.ts'
import { styles } from '../../reports/html/styles.ts'
import type { Part } from './parts.ts'

/** What the page is about: it does not change during the run. */
export interface Subject {
  readonly scenario: string
  readonly question: string
  readonly facts: readonly string[]
}

/** Paths of what belongs to the page, below its own. */
export const paths = { events: 'events', report: 'report.html' } as const

const ownStyles = `
.clock{font-size:22px}#status small{display:block;font-weight:400;overflow-wrap:anywhere}
#connection{color:var(--fail);font-weight:600}
.checks{list-style:none;padding:0;margin:8px 0;display:grid;gap:4px 24px;grid-template-columns:repeat(auto-fill,minmax(min(300px,100%),1fr));font-size:13.5px}
.checks li{display:flex;gap:8px;align-items:center;flex-wrap:wrap}.checks progress{width:90px}
.provisional{margin:0 0 14px}.livecells{display:grid;gap:16px;align-items:start;grid-template-columns:repeat(auto-fill,minmax(min(270px,100%),1fr))}
.livecells:empty::after{content:"No cell is under way.";color:var(--quiet)}
.cellcard{min-width:0}.cellcard h3{overflow-wrap:anywhere}.cellcard h3 small{font-weight:400;color:var(--quiet)}.cellcard .big{font-size:14px}
.cellcard .armed{font-weight:650;color:var(--warn)}.counts{margin-top:8px}.system{margin:12px auto 0}
.tocome{fill:var(--panel)}.right{fill:var(--ok)}.other{fill:var(--late)}.failed{fill:var(--losteverywhere)}.open{fill:var(--life)}.whisker{fill:var(--point)}
.system .box{fill:var(--panel);stroke:var(--rule);rx:6px}.system text{text-anchor:middle}.system .name{fill:var(--ink);font-size:12.5px}
.system .outside .box{fill:none;stroke:var(--quiet);stroke-opacity:.6;stroke-dasharray:2 3}.system .link path{fill:none;stroke:var(--quiet);stroke-opacity:.55}
.system .harmed path{stroke:var(--warn);stroke-opacity:1;stroke-width:2.5;stroke-dasharray:7 4}
.system .harmed .box{stroke:var(--warn);stroke-width:2.5}.system .down .box{stroke:var(--fail);stroke-width:2.5;stroke-dasharray:4 3}
.system .state{fill:var(--warn);font-weight:650;paint-order:stroke;stroke:var(--bg);stroke-width:3px}.system .down .state{fill:var(--fail)}
.log{list-style:none;padding:0;margin:0;font-size:13.5px}.log li{display:grid;grid-template-columns:48px minmax(0,1fr);padding:3px 0;border-bottom:1px solid var(--grid)}
.log .quiet{display:block;border:0}.log time,.log .where{color:var(--quiet)}.log .where{margin-right:10px;display:inline-block}.log div{overflow-wrap:anywhere}
.log .armed .what{color:var(--warn);font-weight:600}.log .leaked .what,.log .not-applied .what{color:var(--fail);font-weight:600}
.endedtable:has(tbody:empty){display:none}.endedtable th,.endedtable .number{white-space:normal}.endedtable tbody th{overflow-wrap:anywhere}
@media (max-width:500px){.endedtable :is(th,td):nth-child(n+3){display:none}}
`.trim()

const style = `${styles}\n${ownStyles}`

/** Puts each changed part in the place of the old one. All of them come escaped. */
const script = `
const lost = document.getElementById('connection')
const source = new EventSource('${paths.events}?after=' + document.body.dataset.version)
const fragmentOf = (html) => {
  const template = document.createElement('template')
  template.innerHTML = html
  return template.content
}
source.addEventListener('part', ({ data }) => {
  const { id, inside, html } = JSON.parse(data)
  const old = document.getElementById(id)
  if (html === '') old?.remove()
  else if (old) old.replaceWith(fragmentOf(html))
  else document.getElementById(inside)?.append(fragmentOf(html))
})
source.addEventListener('stream.reset', () => {
  for (const list of document.querySelectorAll('[data-parts]')) list.replaceChildren()
})
source.addEventListener('end', ({ data }) => {
  source.close()
  const { report, why } = JSON.parse(data)
  if (report) location.replace(report)
  else lost.textContent = 'The run has ended without a report: ' + why
})
source.onopen = () => (lost.textContent = '')
source.onerror = () => (lost.textContent = 'The connection is lost. This is what was known last; the run itself goes on without this page.')
`.trim()

const sourceOf = (text: string): string => `'sha256-${hash('sha256', text, 'base64')}'`

/** Nothing but what is written here may run, and nothing may be asked of anybody else. */
export const pagePolicy = [
  "default-src 'none'",
  `style-src ${sourceOf(style)}`,
  `script-src ${sourceOf(script)}`,
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** The page as it is now; what changes after `version` comes over its stream. Without scripts it loads itself again. */
export function livePage(subject: Subject, parts: readonly Part[], version: number): string {
  const inside = (id: string): Markup =>
    trusted(parts.flatMap((part) => (part.inside === id ? part.html : [])).join(''))
  return all(
    trusted('<!doctype html>\n'),
    tag(
      'html',
      { lang: 'en' },
      head(subject),
      tag(
        'body',
        { 'data-version': version },
        tag(
          'header',
          { class: 'top' },
          tag('p', { class: 'brand' }, 'outlast, live'),
          tag('h1', {}, subject.scenario),
          tag('p', { class: 'question' }, subject.question),
          tag('p', { class: 'quiet' }, subject.facts.join(' · ')),
          tag('p', { id: 'connection', role: 'status' }),
          tag('div', { id: 'top', 'data-parts': true }, inside('top')),
        ),
        tag(
          'main',
          {},
          tag(
            'section',
            {},
            tag('h2', {}, 'Under way'),
            tag('p', { class: 'note provisional' }, provisional),
            tag('div', { id: 'cells', class: 'livecells', 'data-parts': true }, inside('cells')),
          ),
          tag(
            'section',
            {},
            tag('h2', {}, 'Faults and notes'),
            tag('div', { id: 'events', 'data-parts': true }, inside('events')),
          ),
          tag('section', { class: 'endedtable' }, tag('h2', {}, 'Carried out'), endedTable(inside('ended'))),
        ),
        tag(
          'footer',
          {},
          tag(
            'p',
            {},
            'This page watches: nothing is judged by it, and it goes on to the report when the run has ended.',
          ),
        ),
        tag('script', {}, trusted(script)),
      ),
    ),
  ).markup
}

const provisional =
  'Provisional. “Right” is the right result before the deadline, as in the report. In brackets what success can still be, at 95 %: below if every task in flight fails, above if none does. It takes tasks as independent. Where one fault hits several, the interval of the report is wider.'

function head({ scenario }: Subject): Markup {
  return tag(
    'head',
    {},
    tag('meta', { charset: 'utf-8' }),
    tag('meta', { name: 'viewport', content: 'width=device-width, initial-scale=1' }),
    tag('meta', { name: 'color-scheme', content: 'light dark' }),
    tag('noscript', {}, tag('meta', { 'http-equiv': 'refresh', content: '3' })),
    tag('link', { rel: 'icon', href: 'data:,' }),
    tag('title', {}, `${scenario}, live – outlast`),
    tag('style', {}, trusted(style)),
  )
}

function endedTable(rows: Markup): Markup {
  const heads = ['cell', 'right', 'faults', 'took']
  return tag(
    'div',
    { class: 'scroll' },
    tag(
      'table',
      { class: 'plain' },
      tag(
        'thead',
        {},
        tag('tr', {}, ...heads.map((text, i) => tag('th', { scope: 'col', class: i > 0 && 'number' }, text))),
      ),
      tag('tbody', { id: 'ended', 'data-parts': true }, rows),
    ),
  )
}
