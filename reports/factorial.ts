import type { CellResult, RunResults } from '../harness/model/results.ts'
import { percent } from './numbers.ts'
import { armGroups, sum } from './arm-groups.ts'

/** Every delivery over every engine, under one arm: which axis loses what can be read off its rows and columns. */
export interface Factorial {
  readonly arm: string
  readonly engines: readonly string[]
  /** The one that lost the most first, like the engines: both axes harden towards the last corner. */
  readonly rows: readonly { readonly delivery: string; readonly squares: readonly (readonly CellResult[])[] }[]
}

/** One per arm; none where the run does not cross at least two deliveries with two engines completely. */
export function factorialsOf(results: RunResults): readonly Factorial[] {
  const cells = results.cells.filter(({ cell }) => cell.tuning === 'default')
  const deliveries = namesOf(cells, ({ cell }) => cell.delivery)
  const engines = namesOf(cells, ({ cell }) => cell.engine)
  const pairs = new Set(cells.map(({ cell }) => `${cell.delivery}+${cell.engine}`))
  if (deliveries.length < 2 || engines.length < 2 || pairs.size < deliveries.length * engines.length) return []
  return armGroups(results).map(({ arm }) => ({
    arm,
    engines,
    rows: deliveries.map((delivery) => ({
      delivery,
      squares: engines.map((engine) =>
        cells.filter(({ cell }) => cell.arm === arm && cell.delivery === delivery && cell.engine === engine),
      ),
    })),
  }))
}

/** The same in words: a row per arm and delivery, a column per engine. */
export function factorialRows(factorials: readonly Factorial[]): readonly (readonly string[])[] {
  return factorials.flatMap(({ arm, rows }) =>
    rows.map(({ delivery, squares }, i) => [i === 0 ? arm : '', delivery, ...squares.map(share)]),
  )
}

/** Of all repetitions together; invalid ones say nothing. */
function share(cells: readonly CellResult[]): string {
  if (cells.length === 0) return 'n/a'
  const { successes, n } = totalOf(cells.filter(({ verdict }) => verdict !== 'INVALID'))
  return n === 0 ? 'invalid' : percent(successes / n)
}

function totalOf(cells: readonly CellResult[]): { readonly successes: number; readonly n: number } {
  return { successes: sum(cells, ({ success }) => success.successes), n: sum(cells, ({ success }) => success.n) }
}

function namesOf(cells: readonly CellResult[], nameOf: (cell: CellResult) => string): readonly string[] {
  const shares = [...Map.groupBy(cells, nameOf)].map(([name, own]) => {
    const { successes, n } = totalOf(own)
    return { name, share: n === 0 ? 0 : successes / n }
  })
  return shares.toSorted((a, b) => a.share - b.share || (a.name < b.name ? -1 : 1)).map(({ name }) => name)
}
