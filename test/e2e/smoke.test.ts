import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { outlast, temporaryFolders } from '../support/outlast.ts'
import { readResults, runUndisturbed } from '../support/undisturbed.ts'

describe('outlast run scenarios/smoke.yaml', () => {
  it('passes, leaves a report and nothing else, and can be judged and explained again from its files', async (test) => {
    await using folders = await temporaryFolders()
    const { folder, results, ...run } = await runUndisturbed(
      ['scenarios/smoke.yaml', '--format', 'junit'],
      folders,
      test,
    )
    expect(run.stderr + run.stdout).not.toContain('Error')
    expect(run.code).toBe(0)
    expect(await readdir(folders.tmp)).toEqual([])

    expect(results.verdict).toBe('PASS')
    for (const cell of results.cells) {
      expect(cell.tasks).toHaveLength(cell.cell.tasks)
      expect(cell.faults.every(({ proven }) => proven)).toBe(true)
    }
    // Held against the contract, and every case could be asked.
    expect(results.verification!.patterns.map(({ pattern }) => pattern).toSorted()).toEqual([
      'durable-postgres',
      'polling',
    ])
    const outcomes = results.verification!.patterns.flatMap(({ cases }) => cases.map(({ outcome }) => outcome))
    expect(outcomes.filter((outcome) => outcome === 'pass').length).toBeGreaterThan(30)
    const disk = results.cells.find(({ cell }) => cell.engine === 'postgres')!.disk
    expect(disk).toMatchObject({ fsync: 'on', synchronousCommit: 'on' })
    expect(disk!.fsyncs).toBeGreaterThan(40)
    expect(disk!.fsyncMeanMs).toBeGreaterThan(0)
    const html = await readFile(join(folder, 'report.html'), 'utf8')
    expect(html).toContain('</html>')
    const junit = await readFile(join(folders.out, 'report.xml'), 'utf8')
    expect(junit).toMatch(/<testsuites name="outlast smoke" tests="\d+" failures="0" errors="0">/)

    const check = await outlast(['check', folder])
    expect(check.code).toBe(0)
    const again = await readResults(folder)
    expect(again.cells).toEqual(results.cells)

    const { cell } = results.cells[0]!
    const story = await outlast(['explain', folder, 't-00001', '--cell', cell.id])
    expect(story.code).toBe(0)
    expect(story.stdout).toContain('t-00001')
  })

  it('compiles byte-identical schedules from the same seed, and another from another', async () => {
    const plan = (seed: string) => outlast(['plan', 'scenarios/smoke.yaml', '--seed', seed, '--json'])
    const [a, b, c] = [await plan('7'), await plan('7'), await plan('8')]
    expect(a.code).toBe(0)
    expect(a.stdout).toBe(b.stdout)
    expect(a.stdout).not.toBe(c.stdout)
  })
})
