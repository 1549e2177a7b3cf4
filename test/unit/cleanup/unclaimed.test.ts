import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, test } from 'vitest'
import { cleanUp, cleanUpRun } from '../../../harness/cleanup/sweep.ts'
import { findRuns } from '../../../harness/cleanup/leftovers.ts'
import { claimTemp } from '../../../harness/cleanup/temp-folder.ts'
import { spawnSync } from '../../support/programs.ts'

const { TMPDIR } = process.env
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'test-of-outlast-'))
  process.env['TMPDIR'] = folder
})
afterEach(async () => {
  if (TMPDIR === undefined) delete process.env['TMPDIR']
  else process.env['TMPDIR'] = TMPDIR
  await rm(folder, { recursive: true })
})

const dead = spawnSync('true').pid
const named = (pid: number, agoMs: number): string => `${pid}-${(Date.now() - agoMs).toString(36)}`
const clean = async () => cleanUp([], await findRuns([], 'here'))

test('a folder that nobody claims is removed when it is named as a run of this machine that is dead', async () => {
  const run = named(dead, 60_000)
  await mkdir(join(folder, `outlast-${run}`, 'postgres-template', 'pg_wal'), { recursive: true })
  const { removed, remaining } = await clean()
  expect(removed).toEqual([expect.objectContaining({ run, state: 'dead', folder: join(folder, `outlast-${run}`) })])
  expect(remaining).toEqual([])
  expect(await readdir(folder)).toEqual([])
})

test('one whose pid is taken is left alone and told, and goes on somebody’s word', async () => {
  const run = named(process.pid, 60_000)
  await mkdir(join(folder, `outlast-${run}`))
  const { removed, unclear } = await clean()
  expect([removed, unclear]).toEqual([[], [expect.objectContaining({ run, state: 'unclear' })]])
  await cleanUpRun(run, [])
  expect(await readdir(folder)).toEqual([])
})

it.each([
  ['young', () => `outlast-${named(dead, 1_000)}`],
  ['of another name', () => 'outlast-GKYg3H'],
  ['of a name that goes on', () => `outlast-${named(dead, 60_000)}-forgotten`],
])('one that is %s is none of ours', async (_, name) => {
  await mkdir(join(folder, name()))
  expect(await findRuns([], 'here')).toMatchObject({ runs: [] })
})

it('is no link, and no file', async () => {
  const [link, file] = [named(dead, 60_000), named(dead, 70_000)]
  await symlink('/', join(folder, `outlast-${link}`))
  await writeFile(join(folder, `outlast-${file}`), '')
  expect(await findRuns([], 'here')).toMatchObject({ runs: [] })
})

test('a run that has claimed its folder is alive, whatever its age', async () => {
  const run = named(process.pid, 60_000)
  claimTemp(run)
  expect(await findRuns([], 'here')).toMatchObject({ runs: [{ run, state: 'alive' }] })
})
