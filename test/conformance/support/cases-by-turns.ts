import { loadCases, type NamedCase } from '../../../harness/conform/suite.ts'
import { isWhole } from '../../support/whole.ts'

const cases = await loadCases()

/**
 * Those that are named, and of the others each `every`-th, other ones for another name: the whole contract waits for a minute, and
 * hundreds of servers are held against it. All of it in the whole suite.
 */
export function casesByTurns(name: string, named: readonly string[], every: number): readonly NamedCase[] {
  return cases.filter(({ id }, i) => isWhole || named.includes(id) || (i + name.length) % every === 0)
}
