import type { Engine } from '../../../patterns/contract/types/engine.ts'
import { jobKey } from '../../run/jobs.ts'
import type { CellResult, RunResults } from '../../model/results.ts'
import { controlEngine } from '../controls/engines.ts'
import type { Misbehaviour } from '../controls/misbehaviour.ts'
import type { Lab, Study } from '../lab.ts'
import { cellOf, isBusy, type Row, rowOfCells } from '../row.ts'

/** Ordinals from 0, early, late and side by side: nothing in the harness may depend on where they are. */
const harmed = [4, 5, 17, 30, 31, 32, 55] as const
const k = harmed.length
const jobs = harmed.map(jobKey)

interface Exact {
  readonly delivery: string
  readonly does: Exclude<Misbehaviour['does'], 'delay'>
  readonly what: string
  readonly expected: string
  /** What the cell says of it; a hit is the expected text. */
  readonly read: (cell: CellResult) => string
}

/** Controls that are wrong in exactly k of their tasks, by name. */
const exact: Readonly<Record<string, Exact>> = {
  lost: {
    // A client that polls learns that the task is gone: that would be a failure that the client knows.
    delivery: 'webhook',
    does: 'lose',
    what: `${k} accepted tasks are forgotten`,
    expected: `lost_everywhere ${k}, no-lost-task fails`,
    read: (cell) => `lost_everywhere ${cell.outcomes.lost_everywhere}, ${checkOf(cell, 'no-lost-task')}`,
  },
  kept: {
    delivery: 'webhook',
    does: 'keep',
    what: `${k} results are stored and never sent`,
    expected: `lost_result ${k}, server has all, no-lost-task fails`,
    read: (cell) =>
      `lost_result ${cell.outcomes.lost_result}, server has ${serverHas(cell)}, ${checkOf(cell, 'no-lost-task')}`,
  },
  duplicated: {
    delivery: 'sse-polling',
    does: 'duplicate',
    what: `${k} steps are done twice`,
    expected: `duplicate effects ${k}, effect-once fails`,
    read: (cell) => `duplicate effects ${cell.rework.duplicateEffects}, ${checkOf(cell, 'effect-once')}`,
  },
  wrong: {
    delivery: 'sse-polling',
    does: 'falsify',
    what: `${k} results are wrong, all work is done`,
    expected: `wrong ${k}, result-integrity fails`,
    read: (cell) => `wrong ${cell.outcomes.wrong}, ${checkOf(cell, 'result-integrity')}`,
  },
  skipped: {
    delivery: 'sse-polling',
    does: 'skip',
    what: `${k} steps are left out and their results made up`,
    expected: `wrong ${k}, effects missing ${k}, effect-at-least-once fails`,
    read: (cell) =>
      `wrong ${cell.outcomes.wrong}, effects missing ${missingEffects(cell)}, ${checkOf(cell, 'effect-at-least-once')}`,
  },
}

const study: Study = {
  name: 'exact',
  controls: {
    null: 'its engine loses one task',
    ...Object.fromEntries(Object.entries(exact).map(([name]) => [name, 'its engine makes no mistake'])),
  },
  async run(lab) {
    const { results } = await lab.measure(scenarioOf(lab), enginesOf(lab))
    return [nullRow(cellOf(results, 'sse-polling+null')), ...exactRows(results)]
  },
}
export default study

function enginesOf(lab: Lab): readonly Engine[] {
  const nothing = controlEngine('null', lab.isOff('null') ? { does: 'lose', jobs: jobs.slice(0, 1) } : undefined)
  const wrong = Object.entries(exact).map(([name, { does }]) =>
    controlEngine(name, lab.isOff(name) ? undefined : { does, jobs }),
  )
  return [nothing, ...wrong]
}

function scenarioOf({ quick, seed }: Lab): string {
  const patterns = ['sse-polling+null', ...Object.entries(exact).map(([name, { delivery }]) => `${delivery}+${name}`)]
  return `name: validate-exact
question: Is what is wrong to a known amount reported to that amount?
seed: ${seed}
timeScale: 20
profile: smoke
patterns: [${patterns.join(', ')}]
load: { tasks: ${quick ? 80 : 400}, arrivals: uniform, rate: ${quick ? 40 : 60}/min }
grace: 40s
replicas: { api: 1, executor: 1 }
arms: { none: [] }
# Nothing that is counted here depends on when it was sent.
health: { pacerLagP99: 300ms, eventLoopDelayP99: 150ms }
`
}

function nullRow(cell: CellResult | undefined): Row {
  const about = { control: 'null', what: 'nothing is wrong', expected: 'PASS, all have a result, nothing is broken' }
  return rowOfCells(about, [cell], ([cell]) => {
    const { outcomes, success, checks, verdict } = cell!
    const seen = outcomes.ok + outcomes.late
    const broken = checks.filter(({ status }) => status === 'fail').map(({ checker }) => checker)
    const got = [
      verdict,
      seen === success.n ? 'all have a result' : `${seen} of ${success.n} have a result`,
      broken.length === 0 ? 'nothing is broken' : `broken: ${broken.join(', ')}`,
    ].join(', ')
    return {
      got,
      isHit: got === about.expected,
      tooCoarse: isBusy(cell!) && success.successes < success.n && outcomes.lost_everywhere === 0,
    }
  })
}

function exactRows(results: RunResults): readonly Row[] {
  return Object.entries(exact).map(([control, { delivery, what, expected, read }]) => {
    return rowOfCells({ control, what, expected }, [cellOf(results, `${delivery}+${control}`)], ([cell]) => {
      const got = read(cell!)
      return { got, isHit: got === expected }
    })
  })
}

function checkOf({ checks }: CellResult, name: string): string {
  const found = checks.find(({ checker }) => checker === name)
  return `${name} ${found === undefined ? 'was not asked' : found.status === 'fail' ? 'fails' : `says ${found.status}`}`
}

function serverHas({ serverSuccess: { successes, n } }: CellResult): string {
  return successes === n ? 'all' : `${successes} of ${n}`
}

/** Of the steps that were planned; repetitions are none of them. */
function missingEffects({ rework }: CellResult): number {
  return rework.plannedSteps - (rework.executedSteps - rework.duplicateEffects)
}
