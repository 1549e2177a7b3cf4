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
    const [stopped, frozen] = [
      await lab.measure(scenarioOf(lab, 'outage', outage(lab.quick)), engines),
      await lab.measure(scenarioOf(lab, 'freeze', freeze(lab.quick)), engines),
    ]
    return [outageRow(cellOf(stopped.results, pattern, 'outage')), freezeRow(cellOf(frozen.results, pattern, 'freeze'))]
  },
}
export default study

const pattern = 'sse-polling+null'

interface Pause {
  readonly tasks: number
  readonly perMinute: number
  readonly atMs: number
  readonly lastsMs: number
}

/** Who comes while the service stands still is served after that, one by one: of few, the last one is not much later. */
function outage(quick: boolean): Pause {
  return { tasks: quick ? 72 : 200, perMinute: 12, atMs: 8_000, lastsMs: outageMs }
}

/** It must hold up more than one task in a hundred. */
function freeze(quick: boolean): Pause {
  return { tasks: quick ? 80 : 400, perMinute: 24, atMs: 5_000, lastsMs: freezeMs }
}

/** One process is the whole service, so that what stops it stops everything. All tasks have the time to succeed. */
function scenarioOf(lab: Lab, control: 'outage' | 'freeze', { tasks, perMinute, atMs, lastsMs }: Pause): string {
  const scaled = (ms: number): string => `${ms * timeScale}ms`
  const lasts = lab.isOff(control) ? offMs : lastsMs
  return `name: validate-${control}
question: Is a service that stands still for a known time seen to do so?
seed: ${lab.seed}
timeScale: ${timeScale}
profile: smoke
patterns: [${pattern}]
load: { tasks: ${tasks}, arrivals: uniform, rate: ${perMinute}/min }
grace: 5m
replicas: { api: 1, executor: 1 }
arms:
  ${control}:
    - { fault: pause, target: executor-0, at: ${scaled(atMs)}, for: ${scaled(lasts)} }
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
