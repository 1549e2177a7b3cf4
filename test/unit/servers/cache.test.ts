import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { areExecutable, cacheFolder } from '../../../servers/_kit/install.ts'

let cache: string
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'test-of-outlast-'))
  vi.stubEnv('XDG_CACHE_HOME', cache)
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(cache, { recursive: true })
})

test('programs are looked for below the user’s cache, whether it is there or not', () => {
  const folder = join(cache, 'outlast', `one-1-${process.platform}-${process.arch}`)
  expect(cacheFolder('one-1')).toBe(folder)
  mkdirSync(join(cache, 'outlast'))
  expect(cacheFolder('one-1')).toBe(folder)
})

test('what everybody may put there is not run', () => {
  mkdirSync(join(cache, 'outlast'))
  chmodSync(join(cache, 'outlast'), 0o777)
  expect(() => cacheFolder('one-1')).toThrow(/outlast may be written into by everybody.*: no program there is run/)
  chmodSync(join(cache, 'outlast'), 0o755)
  chmodSync(cache, 0o777)
  expect(() => cacheFolder('one-1')).toThrow(/may be written into by everybody/)
})

test.skipIf(process.geteuid?.() !== 0)('what another user put there is not run (needs root)', () => {
  mkdirSync(join(cache, 'outlast'))
  chownSync(join(cache, 'outlast'), 1234, 1234)
  expect(() => cacheFolder('one-1')).toThrow(/outlast belongs to uid 1234: no program there is run/)
})

test.each(['', '.', 'cache'])('a cache at "%s" is none: programs of the working directory are not run', (path) => {
  const { HOME } = process.env
  vi.stubEnv('XDG_CACHE_HOME', path)
  expect(cacheFolder('one-1').startsWith(join(homedir(), '.cache', 'outlast'))).toBe(true)
  vi.stubEnv('HOME', path)
  expect(() => cacheFolder('one-1')).toThrow(/HOME is no whole path/)
  vi.stubEnv('HOME', HOME)
})

test('a program that everybody may replace or rewrite is not run', async () => {
  const folder = cacheFolder('one-1')
  const program = join(folder, 'server')
  mkdirSync(folder, { recursive: true })
  writeFileSync(program, '', { mode: 0o755 })
  expect(await areExecutable([program])).toBe(true)
  chmodSync(program, 0o757)
  await expect(areExecutable([program])).rejects.toThrow(/server may be written into by everybody.*: it is not run/)
  chmodSync(program, 0o755)
  chmodSync(folder, 0o777)
  await expect(areExecutable([program])).rejects.toThrow(/may be written into by everybody.*: it is not run/)
  expect(() => cacheFolder('one-1')).toThrow(/one-1-.* may be written into by everybody.*: no program there is run/)
})
