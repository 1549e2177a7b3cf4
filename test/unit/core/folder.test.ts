import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { UsageError } from '../../../harness/core/errors.ts'
import { makeFolder } from '../../../harness/core/folder.ts'
import { ensureFolder } from '../../../harness/store/whole-file.ts'

let folder: string
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'test-of-outlast-'))))
afterEach(() => rmSync(folder, { recursive: true }))

test('a folder is made with those above it, and may be there already', () => {
  const path = join(folder, 'a/b/c')
  makeFolder(path)
  makeFolder(path)
  makeFolder('.')
  expect(existsSync(path)).toBe(true)
})

test('a link to a folder is one, and a file or a link to nowhere is none', () => {
  symlinkSync(folder, join(folder, 'link'))
  symlinkSync(join(folder, 'nowhere'), join(folder, 'loose'))
  writeFileSync(join(folder, 'file'), '')
  makeFolder(join(folder, 'link/a'))
  for (const name of ['file', 'loose', 'file/a', 'loose/a'])
    expect(() => makeFolder(join(folder, name))).toThrow(/EEXIST|ENOTDIR|ENOENT/)
  expect(() => makeFolder('')).toThrow('ENOENT')
})

// Node's own `recursive` never comes back from there, and neither would this test.
test.runIf(existsSync('/proc/self'))('below /proc none can be made, and that is said at once', () => {
  expect(() => ensureFolder('/proc/self/outlast/runs')).toThrow(UsageError)
  expect(() => ensureFolder('/proc/outlast')).toThrow('cannot create /proc/outlast: ENOENT')
})
