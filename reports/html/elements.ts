import type { CellResult, Outcome } from '../../harness/model/results.ts'
import type { Story } from '../../harness/model/story.ts'
import { all, tag, type Child, type Markup } from './markup.ts'

/** A verdict, or what became of promises, in words, coloured. */
export function badge(verdict: string): Markup {
  return tag('span', { class: `badge ${verdict.toLowerCase().replaceAll(' ', '-')}` }, verdict)
}

export function anchor({ cell }: CellResult): string {
  return `cell-${cell.id}`
}

/** Where the episodes of a cell are listed. */
export function episodesAnchor({ cell }: CellResult): string {
  return `episodes-${cell.id}`
}

export function storyAnchor({ cell, task }: Pick<Story, 'cell' | 'task'>): string {
  return `task-${cell}-${task}`
}

export function cellLink(cell: CellResult, text: Child): Markup {
  return tag('a', { href: `#${anchor(cell)}` }, text)
}

export function note(...children: readonly Child[]): Markup {
  return tag('p', { class: 'note' }, ...children)
}

export function section(id: string, title: string, lead: Child, ...children: readonly Child[]): Markup {
  return tag('section', { id }, tag('h2', {}, title), lead && tag('p', { class: 'lead' }, lead), ...children)
}

/** Outcomes in the order in which they are stacked and listed. */
export const outcomeOrder: readonly Outcome[] = [
  'ok',
  'late',
  'failed_known',
  'lost_result',
  'stuck',
  'wrong',
  'lost_everywhere',
  'not_offered',
  'cut',
]

export function outcomeClass(outcome: Outcome): string {
  return `o-${outcome.replaceAll('_', '-')}`
}

export function outcomeName(outcome: Outcome): string {
  return outcome.replaceAll('_', ' ')
}

/** What may be wider than the page: it moves by itself, also by the keyboard. `name` is what a screen reader says. */
export function scroll(name: string, ...children: readonly Child[]): Markup {
  return tag('div', { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': name }, ...children)
}

/** A plain table; the first field of each row heads it. */
export function table(heads: readonly string[], rows: readonly (readonly Child[])[], css = 'plain'): Markup {
  const head = tag('tr', {}, ...heads.map((text) => tag('th', { scope: 'col' }, text)))
  const body = rows.map(([first, ...rest]) =>
    tag('tr', {}, tag('th', { scope: 'row' }, first), ...rest.map((child) => tag('td', {}, child))),
  )
  const name = heads.filter((text) => text !== '').join(', ')
  return scroll(name, tag('table', { class: css }, tag('thead', {}, head), tag('tbody', {}, ...body)))
}

/** Something that may be long: folded where it is, except on paper. */
export function folded(summary: Child, open: boolean, ...children: readonly Child[]): Markup {
  return tag('details', { open }, tag('summary', {}, summary), all(...children))
}
