import { wrap } from '../../core/text-table.ts'
import type { Registry } from '../../registry.ts'
import type { Entry, Fact, Param, Section } from './entry.ts'
import { faults } from './faults.ts'
import { checkers, formats, promises, runtimes } from './judges.ts'
import { deliveries, engines, patterns } from './patterns.ts'
import { profiles, scenarios, work } from './scenarios.ts'

/** Everything that has a name, by kind: in this order everywhere. */
export const sections = {
  patterns,
  deliveries,
  engines,
  faults,
  profiles,
  work,
  scenarios,
  checkers,
  promises,
  runtimes,
  formats,
} as const satisfies Readonly<Record<string, Section>>
export type SectionName = keyof typeof sections

const indent = '  '
const mostColumns = 120

/** Each with all that is known of it, no line wider than the screen where words allow it. */
export async function longListing(name: SectionName, registry: Registry, columns: number): Promise<string> {
  const { about, entries } = sections[name]
  const width = Math.min(columns, mostColumns)
  const listed = (await entries(registry)).map((entry) => longEntry(entry, width))
  return [wrap(`${name.toUpperCase()}: ${about.replaceAll('`', '')}`, width, ''), ...listed].join('\n\n')
}

function longEntry({ name, summary, facts, params = [] }: Entry, width: number): string {
  const lines = facts.map((fact) => factLine(fact, width))
  const takes = params.length === 0 ? [] : [`${indent}parameters`, ...params.map((param) => paramLine(param, width))]
  return [name, wrap(`${indent}${summary}`, width, indent), ...lines, ...takes].join('\n')
}

const labelWidth = 11

function factLine([label, text]: Fact, width: number): string {
  const hanging = ' '.repeat(indent.length + labelWidth)
  return wrap(`${indent}${label.padEnd(labelWidth)}${text}`, width, hanging)
}

function paramLine({ name, unit, usual, range, about }: Param, width: number): string {
  const hanging = indent.repeat(3)
  const given = usual === 'must be written' ? usual : `${usual} unless written`
  return wrap(`${indent.repeat(2)}${name}: ${unit}, ${given}; ${range}. ${about}`, width, hanging)
}

/** `docs/catalogue.md`. */
export async function cataloguePage(registry: Registry): Promise<string> {
  const parts: string[] = []
  for (const [name, section] of Object.entries(sections))
    parts.push(`## ${capital(name)}\n\n${section.about}`, ...(await section.entries(registry)).map(pageEntry))
  return `${[...head, ...parts].join('\n\n')}\n`
}

const head = [
  '# Catalogue',
  'Everything that a scenario or a command can name. `npm run schema` writes this page from what is installed, and a test compares the two. ' +
    '`outlast list KIND --long` prints the same. How entries are written is in [scenarios.md](scenarios.md).',
] as const

function pageEntry({ name, summary, facts, params = [] }: Entry): string {
  const listed = facts.map(([label, text]) => `- ${label}: ${escape(text)}`)
  const rows = params.map(({ name, unit, usual, range, about }) => tableRow([`\`${name}\``, unit, usual, range, about]))
  const table =
    params.length === 0
      ? []
      : [tableRow(['parameter', 'unit', 'default', 'range', 'meaning']), tableRow(Array(5).fill('---')), ...rows]
  return [
    `### ${name}`,
    escape(summary),
    ...(listed.length > 0 ? [listed.join('\n')] : []),
    ...(table.length > 0 ? [table.join('\n')] : []),
  ].join('\n\n')
}

function tableRow(cells: readonly string[]): string {
  return `| ${cells.map((cell) => escape(cell).replaceAll('|', '\\|')).join(' | ')} |`
}

/** Nothing in it is markup but what we wrote as code. */
function escape(text: string): string {
  return text.replaceAll('<', '&lt;').replaceAll('*', '\\*').replaceAll('_', '\\_').trim()
}

function capital(text: string): string {
  return text[0]!.toUpperCase() + text.slice(1)
}
