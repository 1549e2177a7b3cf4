import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, type TestContext } from 'vitest'
import { type Finished, outlast, temporaryFolders } from '../support/outlast.ts'
import { execFileSync } from '../support/programs.ts'

// @alone: it measures latencies.

test(
  'outlast validate --quick: what is known to be true is what is reported',
  { timeout: 600_000 },
  async ({ skip }) => {
    await using folders = await temporaryFolders()
    const page = join(folders.out, 'validity.md')
    const run = await outlast(['validate', '--quick', '--page', page], folders.tmp)
    const missed = /^missed: ([^;\n]*)/m.exec(run.stdout)?.[1]
    if (missed !== undefined) return confirmMisses(missed, folders.tmp)
    skipWhereUnmeasured(run, skip)
    expect(run.stdout).toMatch(/^lost +7 accepted tasks are forgotten +lost_everywhere 7.* +lost_everywhere 7.* +ok$/m)
    expect(run.code).toBe(0)
    expect(await readFile(page, 'utf8')).toMatch(/Differences in latency below [\d.]+ ms cannot be seen here/)
    expect(await readdir(folders.tmp)).toEqual([])
  },
)

/** A busy machine leaves rows without a measurement, however often they are tried. */
function skipWhereUnmeasured({ stdout }: Finished, skip: TestContext['skip']): void {
  const unmeasured = /^not measured: .*$/m.exec(stdout)
  skip(unmeasured !== null, `this machine is too busy: ${unmeasured?.[0]}`)
}

/** What is wrong is missed again. What one slow task or an unlucky draw made a miss is not. */
async function confirmMisses(missed: string, tmp: string): Promise<void> {
  const again = await outlast(['validate', '--quick', '--only', missed.replaceAll(' ', '')], tmp)
  expect(again.stdout).not.toContain('MISS')
  expect(again.code, again.stderr).toBe(0)
}

test('a control whose effect is switched off is a miss, by its name', async ({ skip }) => {
  await using folders = await temporaryFolders()
  const run = await outlast(['validate', '--quick', '--only', 'lost,wrong', '--without', 'lost'], folders.tmp)
  skipWhereUnmeasured(run, skip)
  expect(run.stdout).toMatch(/^lost .* lost_everywhere 0, .* MISS$/m)
  expect(run.stdout).toMatch(/^wrong .* ok$/m)
  expect(run.stdout).toMatch(/^missed: lost$/m)
  expect(run.code).toBe(1)
})

test('a control that is none is refused, with those there are', async () => {
  const run = await outlast(['validate', '--without', 'lots'])
  expect(run.stderr).toContain('there is no control "lots" (did you mean "lost"?); controls: null, lost,')
  expect(run.code).toBe(3)
})

test('a page that is a pipe is refused before anything is measured', async () => {
  await using folders = await temporaryFolders()
  const page = join(folders.out, 'page')
  execFileSync('mkfifo', [page])
  const run = await outlast(['validate', '--page', page], folders.tmp)
  expect(run.stderr).toMatch(/^--page: .* is a FIFO, not a regular file$/m)
  expect(run.code).toBe(3)
})
