import { testEquivalence, countDiscordant } from '../../stats/paired-difference.ts'
import { jobKey } from '../../run/jobs.ts'
import type { CellResult } from '../../model/results.ts'
import { controlEngine } from '../controls/engines.ts'
import type { Misbehaviour } from '../controls/misbehaviour.ts'
import type { Lab, Study } from '../lab.ts'
import { cellOf, isBusy, percent, type Row, rowOfCells } from '../row.ts'

const compressed = 20

const study: Study = {
  name: 'scale',
  controls: { 'time-scale': `at timeScale ${compressed} every fourth task is lost` },
  async run(lab) {
    const cells = []
    for (const timeScale of [1, compressed]) {
      const harm = timeScale === compressed && lab.isOff('time-scale') ? everyFourth(lab) : undefined
      const { results } = await lab.measure(scenarioOf(lab, timeScale), [controlEngine('null', harm)])
      cells.push(cellOf(results, 'polling+null', 'kill'))
    }
    return [equivalenceRow(cells, lab)]
  },
}
export default study

function tasksOf({ quick }: Lab): number {
  return quick ? 90 : 300
}

function everyFourth(lab: Lab): Misbehaviour {
  const ordinals = Array.from({ length: tasksOf(lab) }, (_, i) => i).filter((i) => i % 4 === 0)
  return { does: 'lose', jobs: ordinals.map(jobKey) }
}

/** The same tasks and kills: only the clock differs. */
function scenarioOf(lab: Lab, timeScale: number): string {
  return `name: validate-scale-${timeScale}
question: Does success depend on how far a run is compressed?
seed: ${lab.seed}
timeScale: ${timeScale}
profile: ${lab.quick ? 'blink' : 'smoke'}
patterns: [polling+null]
load: { tasks: ${tasksOf(lab)}, arrivals: uniform, rate: 6/s }
grace: 2m
restartDelay: 1s
replicas: { api: 1, executor: 3 }
arms:
  kill:
    - { fault: kill, target: executor-0, at: 5s, for: 1s }
    - { fault: kill, target: executor-1, at: 10s, for: 1s }
health: { pacerLagP99: 300ms, eventLoopDelayP99: 150ms }
`
}

function equivalenceRow(cells: readonly (CellResult | undefined)[], lab: Lab): Row {
  const margin = lab.quick ? 0.15 : 0.1
  const about = {
    control: 'time-scale',
    what: `the same work and kills at timeScale 1 and ${compressed}, matched by seed`,
    expected: `success equivalent within ${percent(margin)} (two one-sided tests at 5 %)`,
  }
  return rowOfCells(about, cells, ([full, short]) => {
    const [a, b] = [successesOf(full!), successesOf(short!)]
    const both = a.filter((success, i) => success && b[i]).length
    const discordant = countDiscordant(a, b)
    const neither = a.length - both - discordant.onlyA - discordant.onlyB
    const { interval, isShown } = testEquivalence({ both, ...discordant, neither }, margin)
    const [atOne, at] = [a, b].map((all) => `${all.filter(Boolean).length} of ${all.length}`)
    const [low, high] = interval.map((end) => (end * 100).toFixed(1))
    return {
      got: `${atOne} and ${at}; difference [${low}, ${high}] points`,
      isHit: isShown,
      tooCoarse: isBusy(full!) || isBusy(short!),
    }
  })
}

function successesOf({ tasks }: CellResult): readonly boolean[] {
  return tasks.map(({ outcome }) => outcome === 'ok')
}
