import { quantile } from '../../stats/quantiles.ts'
import type { CellResult, Restored } from '../../model/results.ts'
import { overheadOf } from '../../verdict/overhead.ts'
import { controlEngine } from '../controls/engines.ts'
import type { Lab, Study } from '../lab.ts'
import { cellOf, isBusy, type Row, rowOfCells } from '../row.ts'

const timeScale = 20
const outageMs = 7_000
const outageToleranceMs = 500
const freezeMs = 1_400
/** Too short to be taken for either. */
const offMs = 50

const study: Study = {
  name: 'pauses',
  controls: {
    outage: `the service stands still for ${offMs} ms only`,
    freeze: `the service stands still for ${offMs} ms only`,
  },
  async run(lab) {
    const engines = [controlEngine('null')]
    const [outage, freeze] = [
      await lab.measure(scenarioOf(lab, 'outage', lab.quick ? 130 : 400, outageMs), engines),
      await lab.measure(scenarioOf(lab, 'freeze', lab.quick ? 80 : 400, freezeMs), engines),
    ]
    return [outageRow(cellOf(outage.results, pattern, 'outage')), freezeRow(cellOf(freeze.results, pattern, 'freeze'))]
  },
}
export default study

const pattern = 'sse-polling+null'

/** One process is the whole service, so that what stops it stops everything. All tasks have the time to succeed. */
function scenarioOf(lab: Lab, control: 'outage' | 'freeze', tasks: number, pauseMs: number): string {
  const scaled = (ms: number): string => `${ms * timeScale}ms`
  const lasts = lab.isOff(control) ? offMs : pauseMs
  return `name: validate-${control}
question: Is a service that stands still for a known time seen to do so?
seed: ${lab.seed}
timeScale: ${timeScale}
profile: smoke
patterns: [${pattern}]
load: { tasks: ${tasks}, arrivals: uniform, rate: 24/min }
grace: 5m
replicas: { api: 1, executor: 1 }
arms:
  ${control}:
    - { fault: pause, target: executor-0, at: ${scaled(5_000)}, for: ${scaled(lasts)} }
`
}

function outageRow(cell: CellResult | undefined): Row {
  const about = {
    control: 'outage',
    what: `the service stands still for ${outageMs / 1000} s`,
    expected: `service restored after ${outageMs / 1000} +- ${outageToleranceMs / 1000} s`,
  }
  return rowOfCells(about, [cell], ([cell]) => {
    const restored = cell!.episodes[0]?.restored
    const isHit = restored?.kind === 'restored' && Math.abs(restored.ms - outageMs) <= outageToleranceMs
    return { got: describe(restored), isHit, tooCoarse: isBusy(cell!) }
  })
}

function describe(restored: Restored | undefined): string {
  if (!restored) return 'no outage'
  return 'ms' in restored ? `${restored.kind} ${(restored.ms / 1000).toFixed(2)} s` : restored.kind
}

/** After wrk2's demonstration of coordinated omission: who measures from the actual start does not see the freeze in p99. */
function freezeRow(cell: CellResult | undefined): Row {
  const leastMs = freezeMs * 0.8
  const about = {
    control: 'freeze',
    what: `the service stands still for ${freezeMs / 1000} s`,
    expected: `p99 of overhead between ${leastMs} and ${freezeMs * 1.2} ms`,
  }
  return rowOfCells(about, [cell], ([cell]) => {
    const overheads = cell!.tasks.map(overheadOf)
    const [p50, p99] = [0.5, 0.99].map((level) => quantile(overheads, level) ?? Infinity) as [number, number]
    const isHit = p99 >= leastMs && p99 <= freezeMs * 1.2
    return { got: `p99 ${p99.toFixed(0)} ms, p50 ${p50.toFixed(0)} ms`, isHit, tooCoarse: isBusy(cell!) }
  })
}
