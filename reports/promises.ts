import type { CellResult, CheckResult, RunResults } from '../harness/model/results.ts'

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
  const everyGate = gates.length > 0 ? 'every gate holds' : 'there was no gate'
  const meanings = {
    PASS: `about promises and gates, not success: no promise was broken, ${everyGate}`,
    FAIL: 'about promises and gates, not success: a promise was broken, or a gate does not hold',
    INCONCLUSIVE: 'about promises and gates, not success: the evidence does not settle them',
    INVALID: 'the harness does not vouch for this run: it says nothing about the systems',
  } as const
  return meanings[verdict]
}
