import type { CellResult, RunResults } from '../../model/results.ts'
import type { Lab, Study } from '../lab.ts'
import { cellOf, percent, type Row, rowOfCells } from '../row.ts'

const timeScale = 20
/** Of the profile `smoke`. */
const idealMs = 30_000 / timeScale
/** Mean gaps between the kills of one node, in lengths of a task: from one task lost of twenty to one of four. */
const gaps = [20, 17, 14, 12, 10, 8.5, 7.5, 6.5, 5.5, 4.8, 4.2, 3.6] as const
const quickGaps = [6, 3.6] as const
/** Of intervals that are to cover 95 %, so many must hold the closed form. */
const leastShare = 0.9
const [executors, ratePerSec] = [8, 16 / 3]
/** Two-sided 99.9 %: a row that misses by chance alone teaches nobody anything. */
const critical = 3.29

const study: Study = {
  name: 'kills',
  controls: { kills: 'nodes are frozen for a moment, and not killed' },
  async run(lab) {
    const { results } = await lab.measure(scenarioOf(lab), [])
    return [gridRow(results, lab)]
  },
}
export default study

function gapsOf({ quick }: Lab): readonly number[] {
  return quick ? quickGaps : gaps
}

function tasksOf({ quick }: Lab): number {
  return quick ? 60 : 200
}

/** Several nodes with a task or two each: many faults that each take little. */
function scenarioOf(lab: Lab): string {
  const fault = lab.isOff('kills') ? 'pause' : 'kill'
  const arms = gapsOf(lab).map((gap) => {
    const everyMs = gap * idealMs * timeScale
    return `  ${armOf(gap)}:\n    - { fault: ${fault}, target: executor, every: ${everyMs}ms, for: 2s }`
  })
  return `name: validate-kills
question: Is what kills cost the closed form exp(-D/M)?
seed: ${lab.seed}
timeScale: ${timeScale}
profile: smoke
patterns: [polling]
load: { tasks: ${tasksOf(lab)}, arrivals: poisson, rate: ${(ratePerSec * 60) / timeScale}/min }
grace: ${lab.quick ? '1m' : '3m'}
restartDelay: 2s
replicas: { api: 1, executor: ${executors} }
arms:
${arms.join('\n')}
health: { pacerLagP99: 300ms, eventLoopDelayP99: 150ms }
`
}

function armOf(gap: number): string {
  return `gap-${gap * 10}`
}

function gridRow(results: RunResults, lab: Lab): Row {
  const grid = gapsOf(lab)
  const cells = grid.map((gap) => cellOf(results, 'polling', armOf(gap)))
  const least = Math.floor(leastShare * grid.length)
  const lost = expectLost(grid, tasksOf(lab))
  const about = {
    control: 'kills',
    what: `Poisson kills of each node, ${grid.length} rates, an engine that keeps nothing`,
    expected: `exp(-D/M) inside at least ${least} of ${grid.length} intervals, ${lost.mean.toFixed(0)} +- ${lost.margin.toFixed(0)} lost in all`,
  }
  return rowOfCells(about, cells, (there) => {
    const points = there.map((cell, i) => pointOf(cell, keptAt(grid[i]!)))
    const inside = points.filter(({ isInside }) => isInside).length
    const all = there.reduce((sum, { success: { n, successes } }) => sum + n - successes, 0)
    const got = `${inside} of ${grid.length} inside, ${all} lost: ${points.map(({ text }) => text).join('; ')}`
    const isShown = points.filter((point) => point.isShown).length >= least
    const isHit = inside >= least && Math.abs(all - lost.mean) <= lost.margin
    return { got, isHit, tooCoarse: !isShown }
  })
}

/** The closed form, for a mean gap in lengths of a task. */
function keptAt(gap: number): number {
  return Math.exp(-1 / gap)
}

/** A kill takes about a Poisson number of tasks, mean m: losses are compound Poisson, variance 1 + m times the mean. */
function expectLost(grid: readonly number[], tasks: number): { readonly mean: number; readonly margin: number } {
  const mean = grid.reduce((sum, gap) => sum + tasks * (1 - keptAt(gap)), 0)
  const inFlight = (ratePerSec * idealMs) / 1000 / executors
  return { mean, margin: critical * Math.sqrt(mean * (1 + inFlight)) }
}

interface Point {
  readonly text: string
  readonly isInside: boolean
  /** There were enough kills for an interval. */
  readonly isShown: boolean
}

function pointOf({ success }: CellResult, truth: number): Point {
  const { successes, n, interval } = success
  const measured = `${percent(truth)}: ${percent(successes / n)}`
  if (!interval) return { text: `${measured}, no interval`, isInside: false, isShown: false }
  const [low, high] = interval
  const isInside = low <= truth && truth <= high
  return {
    text: `${measured} [${percent(low)}, ${percent(high)}]${isInside ? '' : ' outside'}`,
    isInside,
    isShown: true,
  }
}
