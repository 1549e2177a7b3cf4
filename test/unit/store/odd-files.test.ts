import {
  appendFile,
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { HarnessError, UsageError } from '../../../harness/core/errors.ts'
import { judgeFolder } from '../../../harness/run/judge.ts'
import { openRun, type RunFolder } from '../../../harness/store/run-folder.ts'
import { simulate } from '../../mutants/simulate.ts'
import { oddFiles, tenGigabytes } from '../../support/odd-files.ts'
import { sealRun } from '../../support/recorded-run.ts'
import { openRegistry } from '../../../harness/registry.ts'

const checkers = await openRegistry().checkers()

const small = simulate({ delivery: 'polling', engine: 'durable', tasks: 3, kills: [], seed: 4 })
const isRoot = process.geteuid?.() === 0

let out: string
beforeAll(async () => void (out = await mkdtemp(join(tmpdir(), 'outlast-odd-'))))
afterAll(() => rm(out, { recursive: true }))

async function refusalOf(run: RunFolder, taken?: 'edited'): Promise<string> {
  const error = await openRun(run.path)
    .then((opened) => judgeFolder(opened, checkers, taken))
    .catch((thrown: unknown) => thrown)
  expect(error instanceof HarnessError || error instanceof UsageError).toBe(true)
  expect((error as Error).message).not.toContain('\n')
  return (error as Error).message
}

const files = ['plan.json', 'environment.json', 'schedule.json', 'scenario.yaml', 'results.json'] as const
const cellFiles = ['history.ndjson', 'ledger.ndjson', 'evidence.ndjson'] as const

describe.each(oddFiles)('$name', ({ make, says, name }) => {
  test.each([...files, ...cellFiles])('as %s is one sentence that names it, at once', async (file) => {
    const { run, cell } = await sealRun(out, small)
    const path = join((cellFiles as readonly string[]).includes(file) ? cell.path : run.path, file)
    await rm(path)
    await make(path)
    const said = await refusalOf(run)
    expect(said).toContain(path)
    // A folder is no file of the run: it is not there.
    if (name === 'a folder') expect(said).toMatch(/is a folder|is missing/)
    else expect(said).toMatch(says)
  })
})

test.each(['cells', 'cell', 'profiles'])('a link as %s is not followed', async (which) => {
  const { run, cell } = await sealRun(out, small)
  const path = which === 'cell' ? cell.path : join(run.path, which)
  if (which === 'profiles') await mkdir(path)
  await rename(path, `${out}/elsewhere-${which}`)
  await symlink(`${out}/elsewhere-${which}`, path)
  expect(await refusalOf(run)).toBe(`${path} is a symbolic link, not a regular file`)
  expect(await refusalOf(run, 'edited')).toBe(`${path} is a symbolic link, not a regular file`)
})

test('a line that does not end is one sentence, before all of it is read', async () => {
  const { run, cell } = await sealRun(out, small)
  await appendFile(cell.history, 'x'.repeat(17_000_000))
  expect(await refusalOf(run)).toMatch(/history\.ndjson:\d+ has more than 16777216 bytes/)
})

test.each(['evidence.ndjson', 'plan.json'])('%s that is long and says nothing is not read to its end', async (file) => {
  const { run, cell } = await sealRun(out, small)
  const path = join(file.startsWith('plan') ? run.path : cell.path, file)
  await truncate(path, 1_900_000_000)
  expect(await refusalOf(run)).toMatch(/a line of .*evidence\.ndjson has more|plan\.json has 1900000000 bytes/)
})

test('brackets without end are one sentence', async () => {
  const { run } = await sealRun(out, small)
  await writeFile(join(run.path, 'results.json'), `{"version":2,"files":${'['.repeat(5_000_000)}`)
  expect(await refusalOf(run)).toMatch(/results\.json is nested too deeply/)
  await rm(join(run.path, 'results.json'))
  await writeFile(join(run.path, 'plan.json'), '{"version":'.repeat(100_000))
  expect(await refusalOf(run)).toMatch(/plan\.json is nested too deeply/)
  const other = await sealRun(out, small)
  await writeFile(other.cell.history, `${'['.repeat(100_000)}${']'.repeat(100_000)}\n`)
  expect(await refusalOf(other.run)).toMatch(/history\.ndjson:1 is nested too deeply/)
})

test('what nobody reads may be in the folder, however large', async () => {
  const { run } = await sealRun(out, small)
  tenGigabytes(join(run.path, 'core'))
  await mkdir(join(run.path, 'cells', 'mine'))
  for (const name of ['constructor', '__proto__']) await writeFile(join(run.path, name), '')
  expect((await judgeFolder(run, checkers)).verdict).toBe('PASS')
})

test('a cell is not looked for outside of the folder', async () => {
  const { run } = await sealRun(out, small)
  await rm(join(run.path, 'results.json'))
  const plan = JSON.parse(await readFile(join(run.path, 'plan.json'), 'utf8')) as { cells: { id: string }[] }
  for (const id of ['..', '.', '../cells/x', '/etc']) {
    plan.cells[0]!.id = id
    await writeFile(join(run.path, 'plan.json'), JSON.stringify(plan))
    expect(await refusalOf(run)).toMatch(/plan\.json: at cells\.0\.id: a cell id is a folder name/)
  }
})

test('a folder into which everybody may write is judged, and it is said', async () => {
  const { run } = await sealRun(out, small)
  await chmod(run.path, 0o777)
  const { verdict, record } = await judgeFolder(run, checkers)
  expect([verdict, record]).toEqual([
    'PASS',
    [expect.stringMatching(/may be written into by everybody.*judged as they are/)],
  ])
})

test.skipIf(!isRoot)('a folder of another user is judged on purpose only (needs root)', async () => {
  const { run } = await sealRun(out, small)
  await chown(run.path, 1234, 1234)
  expect(await refusalOf(run)).toMatch(
    /belongs to uid 1234, who may have written anything there: copy it, or .*--edited/,
  )
  const { verdict, record } = await judgeFolder(run, checkers, 'edited')
  expect([verdict, record]).toEqual(['PASS', [expect.stringMatching(/belongs to uid 1234/)]])
})

test('a run’s folder is for its owner alone', async () => {
  const { run } = await sealRun(out, small)
  expect((await stat(run.path)).mode & 0o777).toBe(0o700)
})
