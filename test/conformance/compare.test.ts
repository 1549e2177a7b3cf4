import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RunFolder } from '../../harness/store/run-folder.ts'
import type { Comparison } from '../../harness/model/judgements.ts'
import { loseTask, revalue } from '../mutants/mutations.ts'
import { broken, calm, polling, streaming, webhook } from '../mutants/worlds.ts'
import { outlast, temporaryFolders } from '../support/outlast.ts'
import { recordCells } from '../support/recorded-cells.ts'

let folders: Awaited<ReturnType<typeof temporaryFolders>>
let run: RunFolder
beforeAll(async () => {
  folders = await temporaryFolders()
  run = await recordCells(folders.out, [webhook(calm), polling(calm), streaming(calm), webhook(broken)])
})
afterAll(() => folders[Symbol.asyncDispose]())

const compare = (...args: readonly string[]) => outlast(['compare', ...args], folders.tmp)
const [hooks, polls] = ['webhook-memory', 'polling-durable']

/** Twenty tasks of the calm polling run never end. */
function lossy() {
  const lost = Array.from({ length: 20 }, (_, i) => `t-${String(i + 30).padStart(5, '0')}`)
  return lost.reduce((history, task) => loseTask(history, task, { taskId: `id-${task}`, found: false }), polling(calm))
}

describe('outlast compare', () => {
  test('a run with itself: nothing differs, and no difference is shown', async () => {
    const { code, stdout } = await compare(run.path, run.path)
    expect(code).toBe(0)
    expect(stdout.match(/no difference shown/g)).toHaveLength(4)
    expect(stdout).toContain('Nothing differs in plan and environment.')
  })

  test('two patterns of a run, as text and for programs', async () => {
    const sides = [`${run.path}:${hooks}.none`, `${run.path}:${polls}.none`]
    const { code, stdout } = await compare(...sides)
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/^polling-durable.none against webhook-memory.none +(120)? +0.0 points .* slower$/m),
    ])
    expect(stdout).toContain('delivery: webhook against polling')
    const told = JSON.parse((await compare(...sides, '--json')).stdout) as { comparisons: Comparison[] }
    expect(told.comparisons).toMatchObject([
      { blocks: 1, success: { pairs: 120, onlyFirst: 0, onlySecond: 0, p: 1 }, overhead: { pairs: 120 } },
    ])
    expect(told.comparisons[0]!.overhead!.shiftMs).toBeGreaterThan(20)
  })

  test('the same plan before and after a change: what was lost, how sure that is, and what else differs', async () => {
    const after = await recordCells(folders.out, [lossy()], { environment: { commit: 'abc', cores: 8 } })
    const { code, stdout } = await compare(`${run.path}:${polls}.none`, after.path)
    expect(code).toBe(0)
    expect(stdout).toMatch(/ -16\.7 points +\[-24\.\d, -10\.\d\] +0 : 20 +<0\.001 .* fewer succeed$/m)
    for (const line of ['commit: unknown against abc', 'cores: 2 against 8']) expect(stdout).toContain(line)
  })

  test('an arm against the control: the faults are what is compared', async () => {
    const { code, stdout } = await compare(`${run.path}:${hooks}.none`, `${run.path}:${hooks}.kill`)
    expect([code, stdout]).toEqual([0, expect.stringContaining('1 fault: too few for an interval over faults')])
    expect(stdout).toContain('arm: none against kill')
    expect(stdout).toMatch(/too few faults +0 : \d+ +1 /)
  })

  test('another plan is refused with what differs, all at once', async () => {
    const other = await recordCells(folders.out, [polling({ ...calm, tasks: 60, seed: 8 })])
    const { code, stdout, stderr } = await compare(`${run.path}:${polls}.none`, other.path)
    expect([code, stdout]).toEqual([3, ''])
    expect(stderr).toMatch(/are no comparison: seed: 7 against 8$/m)
    expect(stderr).toMatch(/are no comparison: tasks: 120 against 60$/m)
  })

  test('other faults under the same name of an arm are another plan', async () => {
    const other = await recordCells(folders.out, [webhook({ ...broken, kills: [{ ordinal: 1, atMs: 800 }] })])
    const { code, stderr } = await compare(`${run.path}:${hooks}.kill`, other.path)
    expect(code).toBe(3)
    expect(stderr).toContain('fault kill-1#1: kill of executor-0 at 800 ms')
  })

  test('a cell that shows nothing is not compared, and says why', async () => {
    const sick = revalue(
      polling(calm),
      'health',
      () => true,
      () => ({ pacerLagP99Ms: 80 }),
    )
    const other = await recordCells(folders.out, [sick])
    const { code, stdout } = await compare(`${run.path}:${polls}.none`, other.path)
    expect(code).toBe(2)
    expect(stdout).toMatch(/not compared: .*polling-durable\.none\.1 is INVALID: harness-healthy/)
    expect(stdout).not.toContain('points')
  })

  test('what is not there is named, with what is', async () => {
    const { code, stderr } = await compare(`${run.path}:polling-durabel.none`, run.path)
    expect(code).toBe(3)
    expect(stderr).toMatch(/has no "polling-durabel.none" \(did you mean "polling-durable.none"\?\); it has /)
  })
})
