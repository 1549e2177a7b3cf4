import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runProgram } from '../../harness/os/program.ts'
import { outlast, root, temporaryFolders } from '../support/outlast.ts'
import { runUndisturbed } from '../support/undisturbed.ts'

const example = join(root, 'examples/own-service/python/outlast.yaml')
const hasPython = await runProgram('python3', ['-c', 'import sqlite3']).then(
  () => true,
  () => false,
)

/** The example with fewer tasks, and other parts replaced, in a file of its own. */
async function scenario(...replaced: readonly (readonly [string | RegExp, string])[]) {
  const folder = await mkdtemp(join(tmpdir(), 'own-service-'))
  const file = join(folder, 'own.yaml')
  const text = await readFile(example, 'utf8')
  const parts = [[/^targets:/m, `folder: ${join(root, 'examples/own-service/python')}\ntargets:`] as const, ...replaced]
  await writeFile(
    file,
    parts.reduce((all, [from, to]) => all.replace(from, to), text),
  )
  return { file, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}

describe.skipIf(!hasPython)('a service of the user’s own (skipped where there is no python3 with sqlite3)', () => {
  it('keeps its promises under kills, and is held to them', async (test) => {
    await using folders = await temporaryFolders()
    await using own = await scenario()
    const { results, code, stdout, stderr } = await runUndisturbed([own.file], folders, test)
    expect(stdout + stderr).not.toContain('Error:')
    expect(results.verdict, results.reasons.join('\n')).toBe('PASS')
    expect(code).toBe(0)
    expect(await readdir(folders.tmp)).toEqual([])
  })

  it('fails with its durability bug, and names the promise and the tasks', async (test) => {
    await using folders = await temporaryFolders()
    await using own = await scenario(
      [/ *passEnv: \[BUG\]\n/, ''],
      ["SCALE: '{timeScale}'", "SCALE: '{timeScale}', BUG: forgets"],
    )
    const { results, code } = await runUndisturbed([own.file], folders, test)
    expect(code).toBe(1)
    expect(results.verdict).toBe('FAIL')
    expect(results.reasons.join('\n')).toMatch(/no-lost-task/)
  })
})

describe('a target that cannot be run', () => {
  it.each<readonly [string, readonly (readonly [string | RegExp, string])[], RegExp]>([
    ['a command that is not there', [[/start: .*/, 'start: [no-such-program]']], /no-such-program/],
    ['an unknown placeholder', [['{port}', '{prot}']], /unknown placeholder \{prot\}/],
    [
      'an address where nobody listens',
      [
        [/start: [^]*?passEnv: \[BUG\]/, 'url: http://127.0.0.1:9'],
        [/promises: .*/, 'promises: [no-lost-task]'],
        ['timeScale: 10', 'timeScale: 1'],
        [/kill:\n[^]*gates:\n.*/, 'cut: [{ fault: refuse, target: client->api, at: 20s, for: 10s }]'],
      ],
      /nobody answers at http:\/\/127\.0\.0\.1:9/,
    ],
  ])('%s', async (_, replaced, said) => {
    await using folders = await temporaryFolders()
    await using own = await scenario(...replaced)
    const run = await outlast(['run', own.file, '--out', folders.out], folders.tmp)
    expect(run.stdout + run.stderr).toMatch(said)
    expect(run.code).toBe(3)
    expect(run.stderr).not.toMatch(/^ +at /m)
  })
})
