import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { killGroup, spawnChild } from '../../../harness/os/child.ts'
import { execFileSync } from '../../support/programs.ts'

let folder: string
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'test-of-outlast-'))))
afterEach(() => rmSync(folder, { recursive: true }))

async function sayHi(logFile: string): Promise<void> {
  const child = await spawnChild({ command: '/bin/sh', args: ['-c', 'echo hi'], logFile })
  if (child.exitCode === null) await once(child, 'exit')
  await killGroup(child)
}

test('a log is appended to, and may be a device', async () => {
  const logFile = join(folder, 'service.log')
  writeFileSync(logFile, 'before\n')
  await sayHi(logFile)
  expect(readFileSync(logFile, 'utf8')).toBe('before\nhi\n')
  await sayHi('/dev/null')
})

test('a log that somebody made a FIFO is refused, whether it is read or not', async () => {
  const logFile = join(folder, 'service.log')
  execFileSync('mkfifo', [logFile])
  // Without a reader, opening it would wait for one for ever.
  const reader = openSync(logFile, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    await expect(sayHi(logFile)).rejects.toThrow('service.log is a FIFO, not a regular file')
  } finally {
    closeSync(reader)
  }
  await expect(sayHi(logFile)).rejects.toThrow('service.log is a FIFO, not a regular file')
})

test('a log that somebody made a link is refused', async () => {
  const logFile = join(folder, 'service.log')
  symlinkSync(join(folder, 'elsewhere'), logFile)
  await expect(sayHi(logFile)).rejects.toThrow('service.log is a symbolic link, not a regular file')
})
