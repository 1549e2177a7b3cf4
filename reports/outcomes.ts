import type { CellResult, Outcome, RunResults } from '../harness/model/results.ts'
import { count, plural } from './numbers.ts'
import { promisesOf, type PromisesWord } from './promises.ts'

/** What became of tasks, in the words of the first table. Each outcome is in exactly one. */
const words = {
  ok: ['ok'],
  late: ['late'],
  lost: ['lost_result', 'stuck', 'lost_everywhere'],
  failed: ['failed_known'],
  wrong: ['wrong'],
  'not sent': ['not_offered'],
  cut: ['cut'],
} as const satisfies Readonly<Record<string, readonly Outcome[]>>
type Word = keyof typeof words

/** For under the first table: what its words mean. */
export const legend =
  'ok: the right result in time; late: the right result after the deadline; lost: a result that the client never saw; failed: the client was told so; wrong: another result than the right one; cut: the run ended first, which is neither. ' +
  'Overhead: the time beyond the work itself, over all tasks; ∞: too many never saw a result. Re-executed: work done again, as a share of the work needed. ' +
  'Promises, apart from success: kept, if all that were put to the test held; broken; or not tested. INCONCLUSIVE: the record cannot tell. ' +
  'INVALID: the machine or the harness was sick, and its numbers say nothing.'

type Counts = CellResult['outcomes']

function countOf(counts: Counts, word: Word): number {
  return words[word].reduce((sum, outcome) => sum + counts[outcome], 0)
}

/** `34 ok, 6 late`: what did not happen is left out, but for `ok`. */
export function outcomeText(counts: Counts): string {
  const names = (Object.keys(words) as Word[]).filter((word) => word === 'ok' || countOf(counts, word) > 0)
  return names.map((word) => `${count(countOf(counts, word))} ${word}`).join(', ')
}

/** `40 of 40 with a result, 6 late`, over all cells that can be believed; undefined where there was no task. */
export function headline({ cells }: RunResults): string | undefined {
  const valid = cells.filter(({ verdict }) => verdict !== 'INVALID')
  const of = (word: Word): number => valid.reduce((sum, { outcomes }) => sum + countOf(outcomes, word), 0)
  const n = valid.reduce((sum, { success }) => sum + success.n, 0)
  if (n === 0) return undefined
  const rest = (['late', 'lost', 'failed', 'wrong', 'cut'] as const).filter((word) => of(word) > 0)
  const apart = rest.map((word) => `, ${count(of(word))} ${word}`).join('')
  const without = valid.length < cells.length ? `, ${plural(cells.length - valid.length, 'invalid cell')} left out` : ''
  return `${count(of('ok') + of('late'))} of ${plural(n, 'task')} with a result${apart}${without}`
}

/** `promises kept in 18 cells, broken in 1, not tested in 2`; undefined where there was no cell. */
export function promisesLine({ cells }: RunResults): string | undefined {
  const byWord = Map.groupBy(cells, promisesOf)
  const order: readonly PromisesWord[] = ['kept', 'broken', 'not tested', 'none made', 'INCONCLUSIVE', 'INVALID']
  const told = order.flatMap((word) => {
    const of = byWord.get(word)?.length ?? 0
    return of > 0 ? [`${word} in ${count(of)}`] : []
  })
  return told.length === 0 ? undefined : `promises ${told.join(', ')} of ${plural(cells.length, 'cell')}`
}
