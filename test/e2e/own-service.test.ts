import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runProgram } from '../../harness/os/program.ts'
import { outlast, root, temporaryFolders } from '../support/outlast.ts'
import { runUndisturbed } from '../support/undisturbed.ts'
import { isWhole } from '../support/whole.ts'

type Example = 'python' | 'typescript'
const hasPython = await runProgram('python3', ['-c', 'import sqlite3']).then(
  () => true,
  () => false,
)

/** The example with parts replaced, in a file of its own. */
async function scenario(example: Example, ...replaced: readonly (readonly [string | RegExp, string])[]) {
  const folder = await mkdtemp(join(tmpdir(), 'own-service-'))
  const file = join(folder, 'own.yaml')
  const there = join(root, 'examples/own-service', example)
  const text = await readFile(join(there, 'outlast.yaml'), 'utf8')
  const parts = [[/^targets:/m, `folder: ${there}\ntargets:`] as const, ...replaced]
  await writeFile(
    file,
    parts.reduce((all, [from, to]) => all.replace(from, to), text),
  )
  return { file, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}

/** Its durability bug, by the name that it has in the example. */
const bugs: Readonly<Record<Example, string>> = { python: 'forgets', typescript: 'early-ack' }
const there: readonly Example[] = hasPython ? ['python', 'typescript'] : ['typescript']

const elsewhere = ': npm run test:whole does it, too'

describe.each(there)(
  'the service of examples/own-service/%s (without python3 and its sqlite3 one alone)',
  (example) => {
    const isKeptLater = !isWhole && example !== there[0]
    it.skipIf(isKeptLater)(
      `keeps its promises under kills, and is held to them${isKeptLater ? elsewhere : ''}`,
      async (test) => {
        await using folders = await temporaryFolders()
        await using own = await scenario(example)
        const { results, code, stdout, stderr } = await runUndisturbed([own.file], folders, test)
        expect(stdout + stderr).not.toContain('Error:')
        expect(results.verdict, results.reasons.join('\n')).toBe('PASS')
        expect(code).toBe(0)
        expect(await readdir(folders.tmp)).toEqual([])
      },
    )

    const failsLater = !isWhole && example !== there.at(-1)
    it.skipIf(failsLater)(
      `fails with its durability bug, and names the promise and the tasks${failsLater ? elsewhere : ''}`,
      async (test) => {
        await using folders = await temporaryFolders()
        await using own = await scenario(
          example,
          [/ *passEnv: \[BUG\]\n/, ''],
          ["SCALE: '{timeScale}'", `SCALE: '{timeScale}', BUG: ${bugs[example]}`],
        )
        const { results, code } = await runUndisturbed([own.file], folders, test)
        expect(code).toBe(1)
        expect(results.verdict).toBe('FAIL')
        expect(results.reasons.join('\n')).toMatch(/no-lost-task/)
      },
    )
  },
)

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
    await using own = await scenario('python', ...replaced)
    const run = await outlast(['run', own.file, '--out', folders.out], folders.tmp)
    expect(run.stdout + run.stderr).toMatch(said)
    expect(run.code).toBe(3)
    expect(run.stderr).not.toMatch(/^ +at /m)
  })
})
