import { all, tag, type Markup } from '../../reports/html/markup.ts'
import { label, picture, rect } from '../../reports/html/svg.ts'
import { linksAmong, nodesAmong, type Place } from '../model/place.ts'
import type { LinkShape, SystemShape } from '../model/topology.ts'
import type { ArmedFault, CellView } from './run-view.ts'

const box = { width: 92, height: 42 }
const gap = { x: 14, y: 38 }
const mostInRow = 4

interface Spot {
  readonly x: number
  readonly y: number
}

/** Nodes and links of a cell's system, clients above and tools below, with the faults that are armed where they are. */
export function drawSystem(shape: SystemShape, cell: Pick<CellView, 'cell' | 'nodes' | 'faults'>): Markup {
  const rows = rowsOf(shape)
  const width = Math.max(...rows.map(({ length }) => length)) * (box.width + gap.x) - gap.x + 4
  const spots = placeRows(rows, width)
  const height = rows.length * (box.height + gap.y) - gap.y + 4
  const faults = [...cell.faults.values()]
  const states = [...spots.keys()].map((name) => ({ name, state: stateOf(name, cell) }))
  return picture(
    [width, height],
    wordsOf(cell.cell, states, faults),
    'system',
    shape.links.map((link) => drawLink(link, spots, kindsAt(faults, link.name, linksAmong))),
    states.map(({ name, state }) => {
      const css = shape.nodes.some((node) => node.name === name) ? 'node' : 'node outside'
      return drawNode(name, spots.get(name)!, { css, state, kinds: kindsAt(faults, name, nodesAmong) })
    }),
    shape.links.map((link) => nameHarm(link, spots, kindsAt(faults, link.name, linksAmong))),
  )
}

/** Names from above: clients, API, what it stands on, workers, and what is outside. A row is as long as a phone is wide. */
function rowsOf({ nodes, links }: SystemShape): readonly (readonly string[])[] {
  const of = (...roles: readonly string[]): readonly string[] =>
    nodes.filter(({ role }) => roles.includes(role)).map(({ name }) => name)
  const known = new Set(nodes.map(({ name }) => name))
  const ends = [...new Set(links.flatMap(({ from, to }) => [...from, to]))].filter((name) => !known.has(name))
  const outside = ends.filter((name) => name !== 'client')
  const rows = [ends.filter((name) => name === 'client'), of('api'), of('engine', 'store'), of('worker'), outside]
  return rows.flatMap((row) =>
    Array.from({ length: Math.ceil(row.length / mostInRow) }, (_, i) => row.slice(i * mostInRow, (i + 1) * mostInRow)),
  )
}

/** The upper left corner of every box, each row in the middle. */
function placeRows(rows: readonly (readonly string[])[], width: number): ReadonlyMap<string, Spot> {
  const spots = rows.flatMap((row, i) => {
    const left = (width - row.length * (box.width + gap.x) + gap.x) / 2
    return row.map((name, k) => [name, { x: left + k * (box.width + gap.x), y: 2 + i * (box.height + gap.y) }] as const)
  })
  return new Map(spots)
}

function stateOf(name: string, { nodes }: Pick<CellView, 'nodes'>): string {
  const state = nodes.get(name) ?? ''
  return state === 'ready' ? '' : state
}

/** What kinds of faults are armed at a place. */
function kindsAt(
  faults: readonly ArmedFault[],
  name: string,
  among: (places: readonly Place[]) => readonly string[],
): readonly string[] {
  return [...new Set(faults.filter(({ target }) => among(target).includes(name)).map(({ fault }) => fault))]
}

interface Looks {
  readonly css: string
  readonly state: string
  readonly kinds: readonly string[]
}

function drawNode(name: string, { x, y }: Spot, { css, state, kinds }: Looks): Markup {
  const flags = `${state === '' ? '' : ' down'}${kinds.length > 0 ? ' harmed' : ''}`
  const below = [...kinds, ...(state === '' ? [] : [state])].join(', ')
  const middle = x + box.width / 2
  return tag(
    'g',
    { class: css + flags },
    rect({ x, y, ...box }, 'box'),
    label(middle, y + (below === '' ? 26 : 18), 'name', cut(name)),
    below !== '' && label(middle, y + 33, 'state', cut(below)),
  )
}

function drawLink({ name, from, to }: LinkShape, spots: ReadonlyMap<string, Spot>, kinds: readonly string[]): Markup {
  const end = spots.get(to)
  if (!end) return all()
  const starts = from.flatMap((one) => spots.get(one) ?? [])
  return tag(
    'g',
    { class: kinds.length > 0 ? 'link harmed' : 'link' },
    tag('title', {}, [name, ...kinds].join(' ')),
    starts.map((start) => tag('path', { d: route(start, end) })),
  )
}

/** Over all boxes, where one that is in the way would hide it: in the middle of the first line, or above it within a row. */
function nameHarm({ from, to }: LinkShape, spots: ReadonlyMap<string, Spot>, kinds: readonly string[]): Markup {
  const [start, end] = [spots.get(from[0] ?? ''), spots.get(to)]
  if (!start || !end || kinds.length === 0) return all()
  const x = (start.x + end.x + box.width) / 2
  const y = start.y === end.y ? start.y - 5 : (start.y + end.y + box.height) / 2 + 4
  return tag('g', { class: 'harm' }, label(x, y, 'state', kinds.join(', ')))
}

/** Straight within a row, else down or up: what is between them hides the line, and it comes out on the other side. */
function route(a: Spot, b: Spot): string {
  const middleOf = ({ x }: Spot): number => x + box.width / 2
  if (a.y === b.y) return `M${Math.min(a.x, b.x) + box.width} ${a.y + box.height / 2}H${Math.max(a.x, b.x)}`
  const [upper, lower] = a.y <= b.y ? [a, b] : [b, a]
  const [top, bottom] = [upper.y + box.height, lower.y]
  const half = (top + bottom) / 2
  return `M${middleOf(upper)} ${top}C${middleOf(upper)} ${half} ${middleOf(lower)} ${half} ${middleOf(lower)} ${bottom}`
}

function cut(text: string): string {
  return text.length > 15 ? `${text.slice(0, 14)}…` : text
}

/** The picture for those who do not see it. */
function wordsOf(
  cell: string,
  states: readonly { readonly name: string; readonly state: string }[],
  faults: readonly ArmedFault[],
): string {
  const down = states.filter(({ state }) => state !== '').map(({ name, state }) => `${name} ${state}`)
  const armed = faults.map(
    ({ fault, target }) => `${fault} on ${[...nodesAmong(target), ...linksAmong(target)].join(', ')}`,
  )
  const told = [...down, ...armed]
  return `the system of ${cell}: ${told.length === 0 ? 'nothing is wrong' : told.join('; ')}`
}
