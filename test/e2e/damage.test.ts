import { readFile, writeFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { simulate } from '../mutants/simulate.ts'
import { outlast, temporaryFolders } from '../support/outlast.ts'
import { sealRun } from '../support/recorded-run.ts'

const history = simulate({ delivery: 'polling', engine: 'durable', tasks: 20, kills: [], seed: 4 })

it('a damaged file is one sentence and exit code 4, of every command that judges', async () => {
  await using folders = await temporaryFolders()
  const { run, cell } = await sealRun(folders.out, history)
  expect((await outlast(['check', run.path], folders.tmp)).stderr).toBe('')
  const bytes = await readFile(cell.history)
  for (const [byte, bit] of [
    [700, 0],
    [2_000, 3],
    [9_001, 6],
  ] as const) {
    const flipped = Buffer.from(bytes)
    flipped[byte]! ^= 1 << bit
    await writeFile(cell.history, flipped)
    for (const args of [['check'], ['report'], ['explain', '3']]) {
      const [name, ...rest] = args as [string, ...string[]]
      const { code, stdout, stderr } = await outlast([name, run.path, ...rest], folders.tmp)
      expect([code, stdout]).toEqual([4, ''])
      expect(stderr).toMatch(
        /^outlast failed, which says nothing about the systems under test: \S.*history\.ndjson.*\n$/,
      )
    }
    const edited = await outlast(['check', run.path, '--edited'], folders.tmp)
    expect(edited.stderr).not.toMatch(/TypeError|^ +at /m)
    expect(edited.stderr).toMatch(edited.code === 4 ? /history\.ndjson:\d+ / : /on purpose \(--edited\)/)
  }
})
