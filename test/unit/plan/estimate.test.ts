import { expect, test } from 'vitest'
import { estimateCellMs, estimateLoadMs, estimateRunMs } from '../../../harness/plan/estimate.ts'
import type { RunResults } from '../../../harness/model/results.ts'
import type { CellPlan, Plan } from '../../../harness/model/plan.ts'
import { planTask } from '../../../patterns/agent/plan.ts'
import { listGoldenRuns, readGoldenRun } from '../../support/golden-runs.ts'

const idealMs = ({ profile, timeScale }: CellPlan): number => planTask({ seed: 1, profile }, timeScale).idealMs

interface Line {
  readonly f: string
  readonly at: number
  readonly value: { readonly phase?: string }
}

/** When the last client of a recorded cell knew, in milliseconds since the load began; undefined where it was cut. */
function loadMs(history: string): number | undefined {
  const phases = history
    .split('\n')
    .filter((line) => line.includes('"f":"phase"'))
    .map((line) => JSON.parse(line) as Line)
  return phases.find(({ value }) => value.phase === 'final')?.at
}

/** The blocks of a recorded run that were carried out to the end. What a machine that was too busy took, nobody could plan. */
async function recordedBlocks(name: string) {
  const { files, results } = await readGoldenRun(name)
  const { cells } = JSON.parse(files['plan.json']!) as Plan
  const busy = (JSON.parse(results) as RunResults).cells.filter(({ verdict }) => verdict === 'INVALID')
  const spoilt = new Set(busy.map(({ cell }) => cell.block))
  const took = cells.flatMap((cell) => {
    const history = files[`cells/${cell.id}/history.ndjson`]
    const ms = history === undefined ? undefined : loadMs(history)
    return ms === undefined || spoilt.has(cell.block) ? [] : [{ cell, ms }]
  })
  return [...Map.groupBy(took, ({ cell }) => cell.block).values()].map((block) => {
    return { of: `${name}: ${block[0]!.cell.arm}`, cells: block.map(({ cell }) => cell), ms: block.map(({ ms }) => ms) }
  })
}

const blocks = (await Promise.all((await listGoldenRuns()).map(recordedBlocks))).flat()

test('recorded runs are there to be held against', () => {
  expect(blocks.length).toBeGreaterThanOrEqual(5)
})

test.each(blocks)('$of took between half and twice what is estimated', ({ cells, ms }) => {
  const ratio = Math.max(...cells.map((cell) => estimateLoadMs(cell, idealMs))) / Math.max(...ms)
  expect(ratio).toBeGreaterThan(0.5)
  expect(ratio).toBeLessThan(2)
})

test('blocks follow one another, and the verification comes before them', async () => {
  const { files } = await readGoldenRun('quickstart')
  const plan = JSON.parse(files['plan.json']!) as Plan
  const blocks = [...Map.groupBy(plan.cells, ({ block }) => block).values()]
  const each = blocks.map((cells) => Math.max(...cells.map((cell) => estimateCellMs(cell, idealMs))))
  const sum = each.reduce((a, b) => a + b)
  expect(estimateRunMs(plan, idealMs, false)).toBeCloseTo(sum)
  expect(estimateRunMs(plan, idealMs, true)).toBeGreaterThan(sum)
})

const work = (over: Partial<CellPlan>): CellPlan =>
  ({
    tasks: 100,
    load: { arrivals: 'uniform', ratePerSec: 10 },
    timeScale: 2,
    profile: 'smoke',
    graceMs: 60_000,
    faults: [],
    promises: [],
    ...over,
  }) as unknown as CellPlan

test('without faults nobody waits for a result that is lost: the grace is no part of it', () => {
  expect(estimateLoadMs(work({}), idealMs)).toBe(10_000 + 15_000)
})

const kill = { trigger: { kind: 'time', atMs: 5_000 }, durationMs: 1_000 } as CellPlan['faults'][number]

test('who was to be called waits for all the patience there is; who asks hears of it', () => {
  const webhook = work({ faults: [kill], axes: { delivery: [], engine: ['no-lost-task'] } })
  expect(estimateLoadMs(webhook, idealMs)).toBe(6_000 + 15_000 + 120_000)
  const polling = work({ faults: [kill], axes: { delivery: ['no-lost-task'], engine: [] }, takeoverMs: 9_000 })
  expect(estimateLoadMs(polling, idealMs)).toBe(6_000 + 15_000 + 9_000)
})

test('a fault that outlasts the work is waited for', () => {
  const late = { ...kill, durationMs: 90_000 }
  expect(estimateLoadMs(work({ faults: [late], promises: ['no-lost-task'] }), idealMs)).toBe(95_000)
})
