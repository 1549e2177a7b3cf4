import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Accepted, findProblems, isScriptFree, type Lockfile, packagesOf } from '../../../tools/licences.ts'

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
const lockfile = JSON.parse(read('package-lock.json')) as Lockfile
const accepted = JSON.parse(read('tools/licences.json')) as Accepted

type Entry = Lockfile['packages'][string]

/** The problems of the real lockfile with one entry more, or with others in it. */
function problemsWith(entries: Readonly<Record<string, Entry>>, list = accepted): readonly string[] {
  return findProblems(packagesOf({ packages: { ...lockfile.packages, ...entries } }), list)
}

const fine: Entry = { version: '1.0.0', license: 'MIT', integrity: 'sha512-abc' }
const { license: _, ...unnamed } = fine

describe('the lockfile', () => {
  test('has nothing that nobody has looked at', () => {
    expect(problemsWith({ 'node_modules/fine': fine })).toEqual([])
  })

  test.each<[string, Entry, RegExp]>([
    [
      'a licence that is not in the list',
      { ...fine, license: 'AGPL-3.0' },
      /^new@1.0.0: its licence, AGPL-3.0, is not/,
    ],
    ['one of two that hold together', { ...fine, license: '(MIT AND AGPL-3.0)' }, /AGPL-3.0.*is not in the list/],
    ['a licence known for others only', { ...fine, license: 'BSL' }, /^new@1.0.0: its licence, BSL/],
    ['no licence', unnamed, /^new@1.0.0: its licence, which it does not name/],
    ['an install script', { ...fine, hasInstallScript: true }, /^new@1.0.0: has an install script/],
    ['another origin', { ...fine, resolved: 'git+ssh://git@host/new.git' }, /from git\+ssh/],
    ['no hash', { version: '1.0.0', license: 'MIT' }, /^new@1.0.0: the lockfile has no hash/],
  ])('with a package that has %s is refused', (_what, entry, problem) => {
    for (const path of ['node_modules/new', 'node_modules/fine/node_modules/new'])
      expect(problemsWith({ [path]: entry })).toEqual([expect.stringMatching(problem)])
  })

  test('may let one choose a licence', () => {
    expect(problemsWith({ 'node_modules/new': { ...fine, license: '(AGPL-3.0 OR MIT)' } })).toEqual([])
  })

  test('of which a package has changed its licence is refused, and so is what the list says too much', () => {
    const changed = problemsWith({ 'node_modules/caniuse-lite': { ...fine, license: 'BUSL-1.1' } })
    expect(changed).toEqual([
      'caniuse-lite@1.0.0: its licence, BUSL-1.1, is not in the list',
      'caniuse-lite: is in the list and nothing needs it there',
    ])
    const longer = { ...accepted, installScripts: { ...accepted.installScripts, gone: 'was there once' } }
    expect(problemsWith({}, longer)).toEqual(['gone: is in the list and nothing needs it there'])
  })
})

test('npm is told to run no install script, and a file that only looks so does not count', () => {
  expect(isScriptFree(read('.npmrc'))).toBe(true)
  expect(['# ignore-scripts=true', 'ignore-scripts=true2', 'ignore-scripts=false'].filter(isScriptFree)).toEqual([])
})
