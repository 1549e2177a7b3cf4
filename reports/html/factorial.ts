import type { CellResult, RunResults } from '../../harness/model/results.ts'
import { type Factorial, factorialsOf } from '../factorial.ts'
import { tag, type Child, type Markup } from './markup.ts'
import { section } from './elements.ts'
import { tile } from './matrix.ts'

const lead =
  'One square per arm. Downwards the way in which a client learns of the end is hardened, to the right the way in which work survives a crash; what hardening one axis alone cannot reach is the corner.'

/** One picture of both axes: a grid per arm, shaded as the matrix is. */
export function factorial(results: RunResults): Child {
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
