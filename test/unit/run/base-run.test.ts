import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Op } from '../../../harness/model/history.ts'
import type { Gate, Plan } from '../../../harness/model/plan.ts'
import { openRegistry } from '../../../harness/registry.ts'
import { openBaseRun } from '../../../harness/run/base-run.ts'
import { judgeFolder } from '../../../harness/run/judge.ts'
import { readBase, readPlan, type RunFolder } from '../../../harness/store/run-folder.ts'
import { replayOf } from '../../../reports/replay.ts'
import { cellIn, loseTask } from '../../mutants/mutations.ts'
import { broken, calm, polling } from '../../mutants/worlds.ts'
import { recordCells } from '../../support/recorded-cells.ts'

const checkers = await openRegistry().checkers()
const history = polling(calm)
const cell = cellIn(history)
const gate: Gate = { pattern: cell.pattern, arm: cell.arm, metric: 'regression', max: 0.05 }

let out: string
let base: RunFolder
beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), 'outlast-against-'))
  base = await recordCells(join(out, 'base'), [history])
})
afterAll(() => rm(out, { recursive: true, force: true }))

const planOf = async (over: Partial<Plan> = {}): Promise<Plan> => ({
  ...(await readPlan(base)),
  gates: [gate],
  against: base.name,
  ...over,
})

/** A run of this history that is held against the base. */
async function heldAgainst(name: string, ops: readonly Op[]): Promise<RunFolder> {
  const against = await openBaseRun(base, await planOf(), checkers)
  return recordCells(join(out, name), [ops], { plan: { gates: [gate], against: base.name }, base: against })
}

const lost = (ops: readonly Op[], count: number): readonly Op[] =>
  Array.from({ length: count }, (_, i) => `t-${String(i + 1).padStart(5, '0')}`).reduce(
    (rest, task) => loseTask(rest, task, { taskId: `id-${task}`, found: false }),
    ops,
  )

test('a run that is as good holds, one that loses a third does not', async () => {
  const same = await judgeFolder(await heldAgainst('same', history), checkers)
  expect(same.gates[0]).toMatchObject({ verdict: 'PASS', n: 120, observed: 0 })
  const worse = await judgeFolder(await heldAgainst('worse', lost(history, 40)), checkers)
  expect(worse.gates[0]).toMatchObject({ verdict: 'FAIL', n: 120 })
  expect(worse.gates[0]!.observed).toBeCloseTo(1 / 3, 12)
})

test('what it needs of the base is in its own folder, sealed, and a replay names it', async () => {
  const run = await heldAgainst('kept', history)
  const kept = await readBase(run, await readPlan(run))
  expect(kept).toMatchObject({ run: base.name, cells: [{ cell: { id: cell.id } }] })
  expect(replayOf(await judgeFolder(run, checkers))).toContain(`--against ${base.name}`)
  const file = join(run.path, 'against.json')
  await writeFile(file, (await readFile(file, 'utf8')).replace('"ok"', '"late"'))
  await expect(judgeFolder(run, checkers)).rejects.toThrow(/against\.json was changed after the run/)
  await rm(file)
  await expect(judgeFolder(run, checkers)).rejects.toThrow(/against\.json is missing/)
})

test('a base of another plan is refused, with each difference', async () => {
  const other = cellIn(polling(broken))
  const plan = await planOf({ runtime: 'docker', cells: [{ ...cell, seed: 99, tasks: 7, faults: other.faults }] })
  const error = await openBaseRun(base, plan, checkers).catch((reason: unknown) => reason)
  expect((error as { problems: readonly string[] }).problems).toEqual([
    expect.stringMatching(
      /^--against: .* is no base for this plan; take its scenario, --seed \d+ and its schedule\.json, or another run$/,
    ),
    'runtime: process against docker',
    expect.stringContaining('seed: '),
    expect.stringContaining('tasks: 120 against 7'),
    expect.stringContaining('is in the second alone'),
  ])
})

test('a scenario without such a gate has nothing to compare', async () => {
  await expect(openBaseRun(base, await planOf({ gates: [] }), checkers)).rejects.toThrow(
    '--against: the scenario has no gate that compares runs; write regression or slowdown in one, or compare the two with outlast compare',
  )
})

test('a base that nothing vouches for is none', async () => {
  const open = await recordCells(join(out, 'open'), [history])
  await rm(join(open.path, 'results.json'))
  await expect(openBaseRun(open, await planOf(), checkers)).rejects.toThrow(
    /is no base: .*Nothing vouches for the run's files/,
  )
})
