import { availableParallelism, devNull } from 'node:os'
import { killGroup, spawnChild, entryPath } from '../../os/child.ts'
import type { CellResult } from '../../model/results.ts'
import { controlEngine } from '../controls/engines.ts'
import type { Lab, Study } from '../lab.ts'
import { percent, type Row, shortReason } from '../row.ts'

const perCore = 2

const study: Study = {
  name: 'burners',
  controls: { burners: 'no burner is started' },
  async run(lab) {
    await using burners = await startBurners(lab.isOff('burners') ? 0 : perCore * availableParallelism())
    const { results } = await lab.measure(scenarioOf(lab), [controlEngine('null')])
    return [burnersRow(results.cells, burners.alive())]
  },
}
export default study

/** A pattern that keeps all of its promises, one that makes few, and nothing of ours in their ways but the machine. */
function scenarioOf({ quick, seed }: Lab): string {
  return `name: validate-burners
question: Does a busy machine blame a system?
seed: ${seed}
timeScale: 20
profile: smoke
patterns: [sse-polling+null, polling${quick ? '' : ', durable-postgres'}]
load: { tasks: ${quick ? 40 : 150}, arrivals: uniform, rate: 20/min }
grace: 60s
replicas: { api: 1, executor: 1 }
arms: { none: [] }
`
}

/** These systems were not harmed: a broken promise or a lower success would blame them for the machine. */
function burnersRow(cells: readonly CellResult[], alive: number): Row {
  const burning = `${perCore * availableParallelism()} burners`
  const about = {
    control: 'burners',
    what: `${perCore} busy processes for each core beside a run`,
    expected: `${burning}; each cell INVALID, or PASS and all succeed`,
  }
  const isRight = ({ verdict, success }: CellResult): boolean =>
    verdict === 'INVALID' || (verdict === 'PASS' && success.successes === success.n)
  const got = cells.map(({ cell, verdict, success }) => {
    return `${cell.pattern} ${verdict}${verdict === 'PASS' ? ` (${percent(success.successes / success.n)})` : ''}`
  })
  const starved = cells.find(({ verdict }) => verdict === 'INVALID')
  // The same machine starves them all.
  const why = starved ? `, since ${causeOf(starved)}` : ''
  const isHit = alive === perCore * availableParallelism() && cells.length > 0 && cells.every(isRight)
  return { ...about, got: `${alive} burners; ${got.join(', ')}${why}`, verdict: isHit ? 'hit' : 'miss' }
}

/** `others than this run used 0.8 of 2 processors`: without the checker's name, and without limits. */
function causeOf(cell: CellResult): string {
  return shortReason(cell)
    .replace('harness-healthy failed: ', '')
    .replace(/ in the worst .*/, '')
}

interface Burners extends AsyncDisposable {
  /** How many still run. */
  alive(): number
}

async function startBurners(count: number): Promise<Burners> {
  const entry = entryPath('../controls/burner', import.meta.url)
  const spec = { command: process.execPath, args: [entry], logFile: devNull, joined: true } as const
  const children = await Promise.all(Array.from({ length: count }, () => spawnChild(spec)))
  return {
    alive: () => children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null).length,
    [Symbol.asyncDispose]: async () => void (await Promise.all(children.map((child) => killGroup(child)))),
  }
}
