import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { restartBy, startService } from '../../../harness/conform/service-process.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'test-of-outlast-'))
  vi.stubEnv('TMPDIR', folder)
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

const restart = (command: string): Promise<void> =>
  restartBy(command, 'http://127.0.0.1:9', new AbortController().signal)()

test('a restart command that fails is told with its last line', async () => {
  const long = `head -c 100000 /dev/zero | tr '\\0' x; echo; echo no rights >&2; exit 3`
  await expect(restart(long)).rejects.toThrow('the restart command ended with 3: no rights')
})

test('so is a start command, however much it has printed', async () => {
  const much = 'truncate -s 3G /proc/self/fd/1; echo; echo no such program'
  const where = { url: 'http://127.0.0.1:9', logFile: join(folder, 'log'), signal: new AbortController().signal }
  await expect(startService(much, where)).rejects.toThrow('the start command ended: no such program')
})

test('while it runs nothing is kept that would stay if this process were killed', async () => {
  await expect(restart('ls "$TMPDIR" | wc -l; exit 3')).rejects.toThrow('the restart command ended with 3: 0')
})
