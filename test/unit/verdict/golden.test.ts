import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readResults, type RunFolder } from '../../../harness/store/run-folder.ts'
import type { RunResults } from '../../../harness/model/results.ts'
import { sumOf } from '../../../harness/verdict/overhead-parts.ts'
import { formats, judgeAnywhere, listGoldenRuns, readGoldenRun, unpack } from '../../support/golden-runs.ts'
import { outlast } from '../../support/outlast.ts'

/**
 * Real runs that were recorded on 28 November 2026: what is made of them must stay what it was. Where a stored shape has changed
 * since then, its reader makes today's shape of both sides, and the numbers are the same.
 */
let temp: string
beforeAll(async () => {
  temp = await mkdtemp(join(tmpdir(), 'outlast-golden-'))
  await chmod(temp, 0o700)
})
afterAll(() => rm(temp, { recursive: true, force: true }))

describe.each(await listGoldenRuns())('the recorded run %s', async (name) => {
  const golden = await readGoldenRun(name)
  let [run, judged]: [RunFolder, RunResults] = [] as never

  beforeAll(async () => {
    run = await unpack(golden, await openFolder(name))
    judged = await judgeAnywhere(run)
  })

  test('is judged as it was, to the last number', async () => {
    const path = await openFolder(`${name}-expected`)
    await writeFile(join(path, 'results.json'), golden.results)
    const expected = await readResults({ name: run.name, path })
    expect(asStored(withoutNews(judged))).toEqual(asStored(expected))
  })

  test('parts of its overhead add up to it, and of nearly every task they are told apart', () => {
    for (const { overhead, outcomes } of judged.cells) {
      const { breakdown } = overhead
      if (!breakdown) continue
      for (const { parts, totalMs } of [breakdown.typical, breakdown.slowest])
        expect(sumOf(parts)).toBeCloseTo(totalMs, 6)
      expect(breakdown.tasks).toBeLessThanOrEqual(outcomes.ok + outcomes.late)
      expect(breakdown.untold).toBeLessThanOrEqual(0.02 * breakdown.tasks)
    }
  })

  test.each(Object.keys(golden.reports))('has the same report: %s', (format) => {
    expect(formats.get(format)!.render(judged)).toBe(golden.reports[format])
  })
})

describe('the command', { timeout: 60_000 }, () => {
  test.each(['check', 'report'])('%s says the same of a recorded run', async (command) => {
    const golden = await readGoldenRun('smoke')
    const run = await unpack(golden, await openFolder(command))
    const said = await outlast([command, run.path, ...(command === 'report' ? ['--format', 'terminal'] : [])])
    const here = new RegExp(String.raw`\S*${run.name}`, 'g')
    const expected = golden.reports['terminal']!.replaceAll(here, run.name)
    expect([said.code, said.stdout.replaceAll(here, run.name)]).toEqual([0, expected])
  })

  test('compare finds the same between two patterns of a recorded run', async () => {
    const run = await unpack(await readGoldenRun('quickstart'), await openFolder('compare'))
    const said = await outlast(['compare', `${run.path}:webhook.kill`, `${run.path}:durable-postgres.kill`, '--json'])
    const kept = join(import.meta.dirname, 'golden/compared.json.golden')
    await expect(said.stdout).toMatchFileSnapshot(kept)
  })
})

/** What came after these runs were recorded: tasks of broken promises, parts of the overhead, curves, and stories. */
function withoutNews({ cells, recovery, ...rest }: RunResults): object {
  const before = cells.map(({ checks, overhead, ...cell }) => ({
    ...cell,
    overhead: { ...overhead, breakdown: undefined },
    checks: checks.map((one) => ({ ...one, tasks: undefined })),
  }))
  return {
    ...rest,
    stories: undefined,
    recovery: recovery.map((one) => ({ ...one, waiting: undefined, intervals: undefined })),
    cells: before,
  }
}

/** As JSON keeps it: without what is undefined. Of a system that fails unharmed today's sentence has an example more. */
function asStored(value: object): unknown {
  return JSON.parse(JSON.stringify(value).replaceAll(/(although nothing was broken); t-\d+: [^";]*/g, '$1'))
}

async function openFolder(name: string): Promise<string> {
  const path = join(temp, name)
  await mkdir(path, { mode: 0o700 })
  return path
}
