import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { HarnessError, UsageError } from '../../../harness/core/errors.ts'
import { readSeal } from '../../../harness/store/run-record.ts'
import type { RunFolder } from '../../../harness/store/run-folder.ts'
import { markUnfinished, whyUnfinished } from '../../../harness/store/unfinished.ts'
import { writeFailure, writeWhole } from '../../../harness/store/whole-file.ts'

let run: RunFolder
beforeEach(async () => {
  const path = await mkdtemp(join(tmpdir(), 'outlast-store-'))
  run = { name: 'it', path }
})
afterEach(() => rm(run.path, { recursive: true }))

test('a run that is under way, or was killed, says so', async () => {
  markUnfinished(run)
  expect(await whyUnfinished(run)).toBe('this run broke off and left no reason, or it is still under way')
})

test('one that broke off says why, in the place that it had from the start', async () => {
  const mark = markUnfinished(run)
  const file = join(run.path, 'unfinished.json')
  const before = await stat(file)
  mark.brokeOff('cannot write history.ndjson: ENOSPC')
  mark.brokeOff('another reason')
  mark.lift()
  const after = await stat(file)
  expect([after.size, after.ino, after.blocks]).toEqual([before.size, before.ino, before.blocks])
  expect(await whyUnfinished(run)).toBe('this run broke off: cannot write history.ndjson: ENOSPC')
  expect(await readSeal(run)).toEqual({
    kind: 'open',
    why: expect.stringMatching(/^this run broke off: cannot write history.ndjson: ENOSPC. Nothing vouches/) as string,
  })
})

test.each(['x'.repeat(5000), 'é"\\n'.repeat(2000), '🙂'.repeat(1000)])('a long reason finds room: %#', async (why) => {
  markUnfinished(run).brokeOff(why)
  expect((await stat(join(run.path, 'unfinished.json'))).size).toBe(1024)
  expect(await whyUnfinished(run)).toContain(why.slice(0, 50))
})

test('one that ended has no mark', async () => {
  markUnfinished(run).lift()
  expect(await readdir(run.path)).toEqual([])
  expect(await whyUnfinished(run)).toBeUndefined()
})

test('a mark that is none is named', async () => {
  const file = join(run.path, 'unfinished.json')
  await writeFile(file, '{')
  expect(await whyUnfinished(run)).toMatch(/left no reason/)
  await writeFile(file, 'x'.repeat(10_000))
  await expect(whyUnfinished(run)).rejects.toThrow(HarnessError)
})

test('a file is there whole, or as it was', async () => {
  const file = join(run.path, 'results.json')
  await writeWhole(file, 'one')
  await writeWhole(file, 'two')
  await expect(writeWhole(join(run.path, 'none', 'x'), 'three')).rejects.toThrow(/cannot write .*none\/x: ENOENT/)
  expect([await readFile(file, 'utf8'), await readdir(run.path)]).toEqual(['two', ['results.json']])
})

test('a full disk is no mistake of whoever chose the place', () => {
  const failed = (code: string) => writeFailure('write a', Object.assign(new Error('no'), { code }))
  expect(failed('ENOSPC')).toBeInstanceOf(HarnessError)
  expect(failed('EACCES')).toBeInstanceOf(UsageError)
})
