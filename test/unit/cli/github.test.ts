import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { tellGithub } from '../../../harness/cli/github.ts'
import type { RunResults } from '../../../harness/model/results.ts'
import { study } from '../reports/study.ts'

const results = study(12)
let [folder, path] = ['', '']
let told: string[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'outlast-github-'))
  path = join(folder, 'summary.md')
  told = []
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => told.push(String(text)) > 0)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  await rm(folder, { recursive: true })
})

function tell(
  env: Readonly<Record<string, string>>,
  about: RunResults = results,
  leftBehind: readonly string[] = [],
): Promise<void> {
  vi.stubEnv('GITHUB_ACTIONS', undefined)
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
  return tellGithub(about, leftBehind)
}

test('elsewhere nothing is said, and nothing is written', async () => {
  await tell({ GITHUB_ACTIONS: 'false', GITHUB_STEP_SUMMARY: '' })
  expect(told).toEqual([])
})

test('the report is appended to what the step has in its summary, and annotations go to standard error', async () => {
  await writeFile(path, 'what was there')
  await tell({ GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: path })
  expect(await readFile(path, 'utf8')).toMatch(/^what was there\n## FAIL: fiction\n/)
  expect(told.length).toBeGreaterThan(3)
  for (const line of told) expect(line).toMatch(/^::(?:error|warning) title=/)
})

test('what was left behind is an error of its own: the exit code is not that of the verdict', async () => {
  const left = ['container outlast-1-a: it came back', 'process 7: node', 'volume x', 'volume y']
  await tell({ GITHUB_ACTIONS: 'true' }, results, left)
  expect(told.at(-1)).toBe(
    '::error title=outlast left behind::4 things stayed, and the exit code is 5: container outlast-1-a: it came back; process 7: node; volume x; and 1 more. outlast clean removes what it can\n',
  )
})

test('a summary without annotations, where GITHUB_ACTIONS is not set', async () => {
  await tell({ GITHUB_STEP_SUMMARY: path })
  expect(await readFile(path, 'utf8')).toMatch(/^\n## FAIL/)
  expect(told).toEqual([])
})

test.each([0, 500_000, 990_000])('a summary that has %i bytes stays below 1 MiB', async (size) => {
  await writeFile(path, 'x'.repeat(size))
  for (let i = 0; i < 30; i++) await tell({ GITHUB_STEP_SUMMARY: path })
  expect((await stat(path)).size).toBeLessThan(1_048_576)
  expect((await stat(path)).size).toBeGreaterThan(size)
})

test.each([
  ['a folder', () => folder, /^warning: no step summary in .*: it is no file\n$/],
  ['in no folder', () => join(folder, 'no/such.md'), /^warning: no step summary in .*: ENOENT/],
  ['full', () => path, /^warning: no step summary in .*: other parts of this step have filled it\n$/],
])('a summary that cannot be written (%s) is one warning, and nothing is thrown', async (_, where, warning) => {
  await writeFile(path, 'x'.repeat(999_500))
  await tell({ GITHUB_STEP_SUMMARY: where() })
  expect(told).toEqual([expect.stringMatching(warning)])
})

test('in GitHub Actions that warning is an annotation', async () => {
  await tell({ GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: folder }, { ...results, verdict: 'PASS' })
  expect(told.at(-1)).toMatch(/^::warning title=outlast summary::no step summary in /)
})
