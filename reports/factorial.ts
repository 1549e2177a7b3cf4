import type { CellResult, RunResults } from '../harness/store/schema.ts'
import { percent, shareOf } from './numbers.ts'
import { armGroups, sum } from './rows.ts'

/** Every delivery over every engine, under one arm: which axis loses what can be read off its rows and columns. */
export interface Factorial {
  readonly arm: string
  readonly engines: readonly string[]
  /** The one that lost the most first, like the engines: both axes harden towards the last corner. */
  readonly rows: readonly { readonly delivery: string; readonly cells: readonly (CellResult | undefined)[] }[]
}

/** One per arm; none where the run does not cross at least two deliveries with two engines completely. */
export function factorialsOf(results: RunResults): readonly Factorial[] {
  const cells = results.cells.filter(({ cell }) => cell.tuning === 'default' && cell.repetition === 1)
  const deliveries = namesOf(cells, ({ cell }) => cell.delivery)
  const engines = namesOf(cells, ({ cell }) => cell.engine)
  const pairs = new Set(cells.map(({ cell }) => `${cell.delivery}+${cell.engine}`))
  if (deliveries.length < 2 || engines.length < 2 || pairs.size < deliveries.length * engines.length) return []
  return armGroups(results).map(({ arm }) => ({
    arm,
    engines,
    rows: deliveries.map((delivery) => ({
      delivery,
      cells: engines.map((engine) =>
        cells.find(({ cell }) => cell.arm === arm && cell.delivery === delivery && cell.engine === engine),
      ),
    })),
  }))
}

/** The same in words: a row per arm and delivery, a column per engine. */
export function factorialRows(factorials: readonly Factorial[]): readonly (readonly string[])[] {
  return factorials.flatMap(({ arm, rows }) =>
    rows.map(({ delivery, cells }, i) => [i === 0 ? arm : '', delivery, ...cells.map(share)]),
  )
}

function share(cell: CellResult | undefined): string {
  if (!cell) return 'n/a'
  return cell.verdict === 'INVALID' || cell.success.n === 0 ? 'invalid' : percent(shareOf(cell.success))
}

function namesOf(cells: readonly CellResult[], nameOf: (cell: CellResult) => string): readonly string[] {
  const shares = [...Map.groupBy(cells, nameOf)].map(([name, own]) => {
    const [ok, n] = [sum(own, ({ success }) => success.successes), sum(own, ({ success }) => success.n)]
    return { name, share: n === 0 ? 0 : ok / n }
  })
  return shares.toSorted((a, b) => a.share - b.share || (a.name < b.name ? -1 : 1)).map(({ name }) => name)
}
