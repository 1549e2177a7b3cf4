import { traceOf } from '../../harness/analysis/trace.ts'
import type { Checker } from '../../harness/model/checker.ts'
import type { RunResults } from '../../harness/model/results.ts'
import { judgeCell } from '../../harness/verdict/cell.ts'
import { judgeRun } from '../../harness/verdict/run.ts'
import { pickStories, storiesOf } from '../../harness/verdict/stories.ts'
import type { Imagined } from '../mutants/imagined.ts'
import { ratePerSec, replicas } from '../mutants/imagined.ts'
import { simulate } from '../mutants/simulate.ts'
import { study } from '../unit/reports/study.ts'

const deliveries = ['webhook', 'polling', 'sse-polling'] as const
const engines = ['memory', 'durable'] as const
const arms = ['none', 'kill'] as const

/** A run that nobody carried out, of six patterns under two arms with about so many tasks in all, judged as a real one is. */
export function largeRun(tasks: number, checkers: readonly Checker[]): RunResults {
  const each = Math.ceil(tasks / (deliveries.length * engines.length * arms.length))
  const worlds = arms.flatMap((arm) =>
    deliveries.flatMap((delivery) =>
      engines.map((engine): Imagined => {
        const kills = arm === 'none' ? [] : killsOver((each * 1000) / ratePerSec)
        return { delivery, engine, tasks: each, kills, seed: 42 }
      }),
    ),
  )
  const judged = worlds.map((world) => {
    const history = simulate(world)
    const result = judgeCell(history, checkers)
    return { result, stories: storiesOf(traceOf(history), result) }
  })
  const cells = judged.map(({ result }) => result)
  const made = study(1)
  const names = [...new Set(cells.map(({ cell }) => cell.pattern))]
  const own = {
    scenario: 'large',
    patterns: names,
    cells: cells.map(({ cell }) => cell),
    notApplicable: [],
    published: [],
  }
  const { run, environment } = made
  const results = judgeRun({ run, environment, plan: { ...made.plan, ...own, gates: [] }, cells })
  return { ...results, stories: pickStories(judged.map(({ stories }) => stories)) }
}

/** One of the executors every two seconds. */
function killsOver(loadMs: number): Imagined['kills'] {
  const everyMs = 2_000
  return Array.from({ length: Math.floor(loadMs / everyMs) }, (_, i) => ({
    ordinal: i % replicas,
    atMs: (i + 0.5) * everyMs,
  }))
}
