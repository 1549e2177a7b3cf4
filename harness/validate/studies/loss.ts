import { clopperPearson } from '../../stats/intervals.ts'
import { countDiscordant, mcnemarExact } from '../../stats/paired-difference.ts'
import { binomialCdf } from '../../stats/special.ts'
import type { CellResult } from '../../model/results.ts'
import type { Engine } from '../../../patterns/contract/types/engine.ts'
import { jobKey } from '../../run/jobs.ts'
import { controlEngine } from '../controls/engines.ts'
import type { Lab, Study } from '../lab.ts'
import { percent, type Row, rowOf, rowOfCells } from '../row.ts'

const probability = 0.2
const offProbability = 0.01
/** A row that would miss once in twenty runs by chance alone would teach nobody anything. */
const confidence = 0.999
const alpha = 0.05

const study: Study = {
  name: 'loss',
  controls: {
    'one-shot': `${percent(offProbability)} of callbacks get lost, and not ${percent(probability)}`,
    'a-a': 'one of each pair loses a quarter of its tasks',
  },
  async run(lab) {
    const { results } = await lab.measure(scenarioOf(lab), enginesOf(lab))
    return [
      oneShotRow(results.cells.filter(({ cell }) => cell.engine.startsWith('a'))),
      pairsRow(results.cells, pairsOf(lab)),
    ]
  },
}
export default study

/** Every second of them is the same engine under another name. */
function pairsOf({ quick }: Lab): readonly (readonly [string, string])[] {
  return Array.from({ length: quick ? 3 : 4 }, (_, i) => [`a${i}`, `b${i}`])
}

function enginesOf(lab: Lab): readonly Engine[] {
  const quarter = Array.from({ length: tasksOf(lab) }, (_, i) => i).filter((i) => i % 4 === 0)
  const loses = { does: 'lose', jobs: quarter.map(jobKey) } as const
  return pairsOf(lab).flatMap(([a, b]) => [controlEngine(a), controlEngine(b, lab.isOff('a-a') ? loses : undefined)])
}

function tasksOf({ quick }: Lab): number {
  return quick ? 80 : 150
}

function scenarioOf(lab: Lab): string {
  const patterns = pairsOf(lab).flatMap((pair) => pair.map((engine) => `webhook+${engine}`))
  const lost = lab.isOff('one-shot') ? offProbability : probability
  return `name: validate-loss
question: Does a callback that is sent once get lost as often as its connection does?
seed: ${lab.seed}
timeScale: 20
profile: smoke
patterns: [${patterns.join(', ')}]
load: { tasks: ${tasksOf(lab)}, arrivals: poisson, rate: 30/min }
grace: 40s
replicas: { api: 1, executor: 1 }
repetitions: ${lab.quick ? 1 : 10}
arms:
  loss:
    - { fault: receiver-down, probability: ${lost}, at: 0s, for: load }
health: { pacerLagP99: 300ms, eventLoopDelayP99: 150ms }
`
}

function oneShotRow(cells: readonly CellResult[]): Row {
  const about = {
    control: 'one-shot',
    what: `${percent(probability)} of connections to the receiver fail, and each callback is sent once`,
    expected: `success ${percent(1 - probability)} within the ${percent(confidence)} interval`,
  }
  return rowOfCells(about, cells, (there) => {
    const [k, n] = [sum(there.map(({ success }) => success.successes)), sum(there.map(({ success }) => success.n))]
    const [low, high] = clopperPearson(k, n, confidence)
    const got = `${percent(k / n)} [${percent(low)}, ${percent(high)}] of ${n}`
    return { got, isHit: low <= 1 - probability && 1 - probability <= high }
  })
}

/** Pairs of the same engine differ by chance alone: at 5 % in about one comparison of twenty, and no more. */
function pairsRow(cells: readonly CellResult[], pairs: readonly (readonly [string, string])[]): Row {
  const compared = pairs.flatMap((pair) => pValues(cells, pair))
  const most = largestOf(compared.length)
  const about = {
    control: 'a-a',
    what: 'pairs of one engine under two names, matched by seed (exact McNemar)',
    expected: `at most ${most} of ${compared.length} differ at ${percent(alpha)}`,
  }
  const differ = compared.filter((p) => p < alpha).length
  if (compared.length === 0) return { ...about, got: 'no result', verdict: 'unmeasured' }
  return rowOf({ ...about, got: `${differ} of ${compared.length} differ` }, differ <= most)
}

function pValues(cells: readonly CellResult[], [a, b]: readonly [string, string]): readonly number[] {
  const of = (engine: string, repetition: number): CellResult | undefined =>
    cells.find(({ cell }) => cell.engine === engine && cell.repetition === repetition)
  return cells
    .filter(({ cell }) => cell.engine === a)
    .flatMap((one) => {
      const other = of(b, one.cell.repetition)
      return other ? [mcnemarExact(countDiscordant(successesOf(one), successesOf(other)))] : []
    })
}

function successesOf({ tasks }: CellResult): readonly boolean[] {
  return tasks.map(({ outcome }) => outcome === 'ok')
}

/** More than so many of n happen by chance in fewer than one run of a thousand. */
function largestOf(n: number): number {
  let most = 0
  while (binomialCdf(most, n, alpha) < confidence) most++
  return most
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
