import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { UsageError } from '../../../harness/core/errors.ts'
import { killGroup, spawnChild } from '../../../harness/os/child.ts'
import { labelRun, newRunName, thisProcess } from '../../../harness/os/label.ts'
import { cleanUp, removeRun } from '../../../harness/cleanup/sweep.ts'
import { findRuns } from '../../../harness/cleanup/leftovers.ts'
import { claimTemp, findClaims, listTemp } from '../../../harness/cleanup/temp-folder.ts'
import { oddFiles } from '../../support/odd-files.ts'
import { execFileSync } from '../../support/programs.ts'

let tmp: string
beforeEach(() => {
  tmp = mkdtempSync(join(tmpdir(), 'test-of-outlast-'))
  vi.stubEnv('TMPDIR', tmp)
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(tmp, { recursive: true })
})

const isRoot = process.geteuid?.() === 0
const dead = { ...thisProcess(), startTicks: '1' }
const at = (...names: readonly string[]): string => join(tmp, ...names)

function claim(run: string, owner: object = dead, folder = `outlast-${run}`): void {
  mkdirSync(at(folder))
  writeFileSync(at(folder, 'owner.json'), JSON.stringify({ run, ...owner }))
}

test('a claim is read back, and only by its own name', () => {
  const folder = claimTemp('1-a')
  expect(statSync(folder).mode & 0o777).toBe(0o711)
  expect(statSync(join(folder, 'owner.json')).mode & 0o777).toBe(0o600)
  expect(findClaims()).toEqual({ claims: [{ run: '1-a', folder, owner: thisProcess() }], passedOver: [] })
})

test('a temporary folder that is named from here is the same from everywhere', () => {
  vi.stubEnv('TMPDIR', relative(process.cwd(), tmp))
  expect(claimTemp('1-a')).toBe(at('outlast-1-a'))
  expect(process.env['TMPDIR']).toBe(tmp)
  vi.stubEnv('TMPDIR', relative(process.cwd(), tmp))
  expect(findClaims().claims).toEqual([{ run: '1-a', folder: at('outlast-1-a'), owner: thisProcess() }])
})

test('a folder that is there already is not taken', () => {
  mkdirSync(at('outlast-1-a'))
  expect(() => claimTemp('1-a')).toThrow(/cannot make the temporary folder .*outlast-1-a: EEXIST/)
})

test('where everybody may replace what is there, nothing is made and nothing believed', () => {
  claim('1-a')
  chmodSync(tmp, 0o777)
  expect(() => claimTemp('1-b')).toThrow(UsageError)
  expect(findClaims()).toEqual({ claims: [], passedOver: [expect.stringMatching(/may be written into by everybody/)] })
  chmodSync(tmp, 0o1777)
  expect(findClaims().claims).toHaveLength(1)
})

describe.each(oddFiles)('$name', ({ make, says }) => {
  test('as the claim of a folder is named and passed over', async () => {
    mkdirSync(at('outlast-x'))
    await make(at('outlast-x', 'owner.json'))
    expect(findClaims()).toEqual({ claims: [], passedOver: [expect.stringMatching(says)] })
  })
})

test.each(oddFiles.filter(({ name }) => name !== 'a folder'))(
  '$name in the place of a folder is named',
  async ({ make }) => {
    await make(at('outlast-x'))
    const { claims, passedOver } = findClaims()
    expect(claims).toEqual([])
    expect(passedOver).toContainEqual(expect.stringMatching(/outlast-x is .*, not a folder$/))
  },
)

test.each([
  ['nothing', ''],
  ['no JSON', 'run: 1-a'],
  ['a list', '[]'],
  ['null', 'null'],
  ['no pid', JSON.stringify({ run: '1-a', startTicks: '1', place: '' })],
  ['a pid of everybody', JSON.stringify({ run: '1-a', ...dead, pid: -1 })],
  ['a pid of its own group', JSON.stringify({ run: '1-a', ...dead, pid: 0 })],
  ['a run that is no text', JSON.stringify({ ...dead, run: ['1-a'] })],
  ['a run elsewhere', JSON.stringify({ ...dead, run: '../1-a' })],
  ['the run of another folder', JSON.stringify({ ...dead, run: '2-b' })],
])('a claim with %s is named and passed over', (_, text) => {
  mkdirSync(at('outlast-1-a'))
  writeFileSync(at('outlast-1-a', 'owner.json'), text)
  expect(findClaims()).toEqual({ claims: [], passedOver: [expect.stringContaining(at('outlast-1-a', 'owner.json'))] })
})

test('a folder without a claim is none of ours', () => {
  mkdirSync(at('outlast-x'))
  expect(findClaims()).toEqual({ claims: [], passedOver: [] })
})

describe('a living run', () => {
  test.each(['outlast-0', 'outlast-1-a.copy', 'outlast-zzz'])(
    'is not overruled by its claim, made dead, in %s',
    async (copy) => {
      claimTemp('1-a')
      claim('1-a', dead, copy)
      const { runs, passedOver } = await findRuns([], 'here')
      expect(runs).toMatchObject([{ run: '1-a', state: 'alive' }])
      expect(passedOver).toEqual([expect.stringMatching(/claims another folder than its own/)])
      expect((await cleanUp([], await findRuns([], 'here'))).removed).toEqual([])
      expect(readdirSync(tmp).toSorted()).toEqual(['outlast-1-a', copy].toSorted())
    },
  )
})

test('a run whose processes say that it lives is not ended for a claim from another temporary folder', async () => {
  const run = newRunName()
  labelRun(run)
  const child = await spawnChild({ command: 'sleep', args: ['60'], logFile: at('sleep.log') })
  labelRun(undefined)
  claim(run)
  expect((await findRuns([], 'here')).runs).toMatchObject([{ run, state: 'alive', processes: 1 }])
  expect((await cleanUp([], await findRuns([], 'here'))).removed).toEqual([])
  await killGroup(child)
  expect((await cleanUp([], await findRuns([], 'here'))).removed).toMatchObject([{ run, state: 'dead' }])
})

describe.skipIf(!isRoot)('of another user (needs root: makes files of uid 1234)', () => {
  const give = (...names: readonly string[]): void => chownSync(at(...names), 1234, 1234)

  test('a folder with the claim of a dead run is named and stays', async () => {
    claim('1-a')
    give('outlast-1-a', 'owner.json')
    give('outlast-1-a')
    const { removed, remaining, passedOver } = await cleanUp([], await findRuns([], 'here'))
    expect([removed, remaining]).toEqual([[], []])
    expect(passedOver).toEqual([`${at('outlast-1-a')} belongs to uid 1234`])
    expect(readdirSync(at('outlast-1-a'))).toEqual(['owner.json'])
    expect(listTemp()).toEqual([])
  })

  test('a claim in a folder of ours is named and passed over', () => {
    claim('1-a')
    give('outlast-1-a', 'owner.json')
    expect(findClaims()).toEqual({ claims: [], passedOver: [expect.stringMatching(/owner\.json belongs to uid 1234/)] })
  })

  test('a journal says nothing, is named, and stays', async () => {
    claim('1-a')
    writeFileSync(at('outlast-1-a', 'journal.ndjson'), '{"kind":"volume","name":"outlast-1-a-data"}\n')
    give('outlast-1-a', 'journal.ndjson')
    let asked: unknown
    const sweeper = {
      name: 'one',
      resources: async () => [],
      sweep: async (_: string, kept: unknown) => ((asked = kept), []),
    }
    expect(await removeRun('1-a', at('outlast-1-a'), [sweeper])).toEqual([
      expect.stringMatching(/journal\.ndjson belongs to uid 1234/),
    ])
    expect(asked).toEqual([])
    expect(readdirSync(at('outlast-1-a'))).toContain('journal.ndjson')
  })

  test('a folder is not deleted, whoever says that it is a run’s', async () => {
    claim('1-a')
    give('outlast-1-a')
    expect(await removeRun('1-a', at('outlast-1-a'), [])).toEqual([expect.stringMatching(/belongs to uid 1234/)])
    expect(readdirSync(tmp)).toEqual(['outlast-1-a'])
  })

  test('what is kept by a daemon is theirs, unless somebody says that it is to go', async () => {
    const trace = { kind: 'volume', name: 'outlast-9-z-data', run: '9-z', owner: dead, uid: 1234 } as const
    const sweeper = { name: 'one', resources: async () => [trace], sweep: async () => [] }
    const { removed, unclear, passedOver } = await cleanUp([sweeper], await findRuns([sweeper], 'here'))
    expect([removed, unclear]).toEqual([[], []])
    expect(passedOver).toEqual([expect.stringMatching(/^9-z: 1 volume: another user's/)])
  })
})

test('of many things that are passed over the first are named and the others counted', async () => {
  for (let i = 0; i < 110; i++) symlinkSync('/', at(`outlast-${i}`))
  const { passedOver } = await findRuns([], 'here')
  expect(passedOver).toHaveLength(101)
  expect(passedOver.at(-1)).toBe('10 more of the kind')
})

test('a link as a run’s folder is not followed when it is removed', async () => {
  const elsewhere = at('elsewhere')
  mkdirSync(elsewhere)
  claim('1-a')
  cpSync(at('outlast-1-a'), elsewhere, { recursive: true })
  rmSync(at('outlast-1-a'), { recursive: true })
  symlinkSync(elsewhere, at('outlast-1-a'))
  expect(await removeRun('1-a', at('outlast-1-a'), [])).toEqual([expect.stringMatching(/is a symbolic link/)])
  expect(readdirSync(elsewhere)).toEqual(['owner.json'])
})

test('a FIFO as a journal is not waited for', async () => {
  claim('1-a')
  execFileSync('mkfifo', [at('outlast-1-a', 'journal.ndjson')])
  expect(await removeRun('1-a', at('outlast-1-a'), [])).toEqual([expect.stringMatching(/is a FIFO/)])
})
