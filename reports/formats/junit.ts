import { junitDocument, type JunitCase, type JunitMark } from '../../harness/core/junit.ts'
import { allVisible } from '../../harness/core/visible.ts'
import type { RunResults } from '../../harness/model/results.ts'
import { findingsOf, type Finding, type FindingState } from '../findings.ts'
import type { Format } from '../format.ts'

/** A suite per pattern and arm. What is neither kept nor broken is skipped, so that a green build is not taken for a proof. */
export default {
  name: 'junit',
  summary: 'JUnit XML, for CI servers: a test case per promise and per gate',
  output: 'file',
  extension: 'xml',
  render(raw) {
    const results = allVisible(raw)
    const { plan, environment } = results
    const bySuite = Map.groupBy(findingsOf(results), suiteOf)
    const suites = [...bySuite].map(([name, found]) => ({
      name,
      timestamp: environment.startedAt.slice(0, 'yyyy-mm-ddThh:mm:ss'.length),
      properties: propertiesOf(results),
      cases: found.map((one) => caseOf(plan.scenario, one)),
    }))
    return junitDocument(`outlast ${plan.scenario}`, suites)
  },
} satisfies Format

function suiteOf({ pattern, arm }: Finding): string {
  if (pattern === undefined) return 'run'
  return arm === undefined ? 'contract' : `${pattern} under ${arm}`
}

function propertiesOf({ plan, environment, run, verdict }: RunResults): Readonly<Record<string, string>> {
  return {
    verdict,
    scenario: plan.scenario,
    run,
    seed: String(plan.seed),
    runtime: plan.runtime,
    timeScale: String(plan.timeScale),
    version: environment.outlast,
    ...(environment.commit !== undefined && { commit: environment.commit }),
  }
}

function caseOf(scenario: string, one: Finding): JunitCase {
  const classname = [scenario, one.pattern, one.arm].filter((part) => part !== undefined).join('.')
  const kind = kinds[one.state]
  return { classname, name: one.about, ...(kind && { mark: markOf(kind, one) }) }
}

const kinds: Readonly<Record<FindingState, JunitMark['kind'] | undefined>> = {
  failed: 'failure',
  invalid: 'error',
  open: 'skipped',
  warned: 'skipped',
  allowed: 'skipped',
  holds: undefined,
  'not tested': 'skipped',
  'n/a': 'skipped',
}

function markOf(kind: JunitMark['kind'], { state, message, details }: Finding): JunitMark {
  const text = details.join('\n')
  if (kind === 'failure') return { kind, message, type: 'FAIL', text }
  if (kind === 'error') return { kind, message: `INVALID: ${message}`, type: 'INVALID', text }
  return { kind, message: `${skippedWords[state] ?? state}: ${message}` }
}

const skippedWords: Partial<Record<FindingState, string>> = {
  open: 'INCONCLUSIVE',
  warned: 'WARNING',
  allowed: 'INCONCLUSIVE, allowed',
}
