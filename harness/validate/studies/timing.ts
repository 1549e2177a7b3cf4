import type { Engine } from '../../../patterns/contract/types/engine.ts'
import { quantile } from '../../stats/quantiles.ts'
import type { CellResult } from '../../model/results.ts'
import { overheadOf } from '../../verdict/overhead.ts'
import { controlEngine } from '../controls/engines.ts'
import type { Lab, Study } from '../lab.ts'
import { cellOf, isBusy, type Row, rowOfCells } from '../row.ts'

const delayMs = 100
/** With a coarser resolution what is to be seen could not be seen. */
const coarsestMs = delayMs
const levels = [0.5, 0.95, 0.99] as const

const study: Study = {
  name: 'timing',
  controls: {
    resolution: `the null pattern takes ${delayMs} ms longer`,
    delayed: 'it takes no longer than the null pattern',
  },
  async run(lab) {
    const { results } = await lab.measure(scenarioOf(lab), enginesOf(lab))
    const [nothing, delayed] = ['null', 'delayed'].map((engine) => cellOf(results, `sse-polling+${engine}`))
    return [resolutionRow(nothing), delayedRow(nothing, delayed)]
  },
}
export default study

function enginesOf(lab: Lab): readonly Engine[] {
  const late = { does: 'delay', ms: delayMs } as const
  return [
    controlEngine('null', lab.isOff('resolution') ? late : undefined),
    controlEngine('delayed', lab.isOff('delayed') ? undefined : late),
  ]
}

/** Arrivals come in even gaps: nothing of the load's own is in the tail. */
function scenarioOf({ quick, seed }: Lab): string {
  return `name: validate-timing
question: What is the smallest difference in latency that can be seen here?
seed: ${seed}
timeScale: 20
profile: smoke
patterns: [sse-polling+null, sse-polling+delayed]
load: { tasks: ${quick ? 100 : 400}, arrivals: uniform, rate: 45/min }
grace: 60s
replicas: { api: 1, executor: 1 }
arms: { none: [] }
`
}

/** The null pattern's overhead is the harness's own: twice its p95 is the smallest difference that counts. */
function resolutionRow(nothing: CellResult | undefined): Row {
  const about = {
    control: 'resolution',
    what: 'the null pattern adds nothing to its work',
    expected: `2 x p95 of its overhead below ${coarsestMs} ms`,
  }
  return rowOfCells(about, [nothing], ([cell]) => {
    const resolutionMs = resolutionOf(cell!)
    const overheads = levels.map((level) => `p${level * 100} ${describe(overheadAt(cell!, level))}`)
    return {
      got: `2 x p95 is ${describe(resolutionMs)}; ${overheads.join(', ')}`,
      isHit: resolutionMs < coarsestMs,
      tooCoarse: isBusy(cell!),
      resolutionMs,
    }
  })
}

function delayedRow(nothing: CellResult | undefined, delayed: CellResult | undefined): Row {
  const about = {
    control: 'delayed',
    what: `every task completes ${delayMs} ms late`,
    expected: `p50, p95 and p99 ${delayMs} ms above the null pattern's, to its resolution`,
  }
  return rowOfCells(about, [nothing, delayed], ([null_, late]) => {
    const shifts = levels.map((level) => overheadAt(late!, level) - overheadAt(null_!, level))
    const tolerances = levels.map((level) => Math.max(resolutionOf(null_!), 2 * overheadAt(null_!, level)))
    // One slow task is the p99 of a hundred: there the row cannot tell, and is a miss where another level is off.
    const isCoarse = Math.max(...tolerances) >= coarsestMs
    const isOff = shifts.some((shift, i) => {
      return tolerances[i]! < coarsestMs && Math.abs(shift - delayMs) > tolerances[i]!
    })
    const got = shifts.map((shift, i) => `p${levels[i]! * 100} ${shift.toFixed(1)} (+-${tolerances[i]!.toFixed(1)})`)
    const tooCoarse = (isCoarse && !isOff) || isBusy(null_!) || isBusy(late!)
    return { got: `${got.join(', ')} ms`, isHit: !isCoarse && !isOff, tooCoarse }
  })
}

function resolutionOf(cell: CellResult): number {
  return 2 * overheadAt(cell, 0.95)
}

function overheadAt({ tasks }: CellResult, level: number): number {
  return quantile(tasks.map(overheadOf), level) ?? Infinity
}

function describe(ms: number): string {
  return ms === Infinity ? 'never' : `${ms.toFixed(1)} ms`
}
