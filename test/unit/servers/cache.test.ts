import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { cacheFolder } from '../../../servers/_kit/install.ts'

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
