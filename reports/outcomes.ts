import type { CellResult, RunResults, CheckResult } from '../harness/model/results.ts'
import { effectOf } from '../harness/model/gate-effect.ts'
import { type OutcomeWord as Word, outcomeWords as words } from '../harness/model/outcome-words.ts'
import { count, plural } from './numbers.ts'

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

/** What became of the promises of a cell's pattern; where the cell cannot tell, why. Says nothing about success. */
export type PromisesWord = 'kept' | 'broken' | 'not tested' | 'none made' | 'INCONCLUSIVE' | 'INVALID'

/** Kept: every promise that was put to the test held, and at least one was. Not tested: none was. */
export function promisesOf({ verdict, checks }: Pick<CellResult, 'verdict' | 'checks'>): PromisesWord {
  if (verdict === 'INVALID' || verdict === 'INCONCLUSIVE') return verdict
  const promised = checks.filter((check) => check.judges !== undefined && check.promised)
  if (promised.some(({ status }) => status === 'fail')) return 'broken'
  if (promised.length === 0) return 'none made'
  return promised.some(({ status }) => status === 'pass') ? 'kept' : 'not tested'
}

/** The words of one check. `holds` is said only of what was put to the test. */
export function checkWord({ status, judges, promised }: CheckResult): string {
  if (status === 'fail' && judges && !promised) return 'not promised, does not hold'
  return checkWords[status]
}

const checkWords = { pass: 'holds', fail: 'broken', unknown: 'unknown', unexercised: 'not tested' } as const

/** What the run's verdict is about: promises and gates, never how many tasks succeeded. */
export function verdictMeaning({ verdict, gates }: RunResults): string {
  const everyGate = gates.length > 0 ? gatesThatHold(gates) : 'there was no gate'
  const meanings = {
    PASS: `about promises and gates, not success: no promise was broken, ${everyGate}`,
    FAIL: `about promises and gates, not success: a promise was broken, or a gate does not hold${unsettled(gates)}`,
    INCONCLUSIVE: 'about promises and gates, not success: the evidence does not settle them',
    INVALID: 'the harness does not vouch for this run: it says nothing about the systems',
  } as const
  return meanings[verdict]
}

/** A run may PASS with gates that only warn, or may be open: then they are counted. */
function gatesThatHold(gates: RunResults['gates']): string {
  const holding = gates.filter(({ verdict }) => verdict === 'PASS').length
  if (holding === gates.length) return 'every gate holds'
  const others = gates.length - holding
  return `${count(holding)} of ${plural(gates.length, 'gate')} ${holding === 1 ? 'holds' : 'hold'}, and ${count(others)} ${others === 1 ? 'does' : 'do'} not count (severity, onInconclusive)`
}

function unsettled(gates: RunResults['gates']): string {
  const isForced = gates.some((one) => one.verdict === 'INCONCLUSIVE' && effectOf(one) === 'fails')
  return isForced ? ', or one that must be settled is not' : ''
}
