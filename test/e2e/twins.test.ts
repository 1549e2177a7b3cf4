import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { startTwins } from '../support/twins.ts'

it.skipIf(process.platform !== 'linux')(
  'runs that start in the same instant talk to their own, and to nobody else',
  async () => {
    const base = await mkdtemp(join(tmpdir(), 'test-of-outlast-'))
    await using stack = new AsyncDisposableStack()
    stack.defer(() => rm(base, { recursive: true, force: true, maxRetries: 5 }))
    // A database that runs as another user must reach its files.
    await chmod(base, 0o711)
    const { sharedPorts, meetings, codes, looks, ports, output } = await startTwins(base, 2, ['--no-verify'])
    expect({ sharedPorts, meetings }).toEqual({ sharedPorts: [], meetings: [] })
    expect(looks).toBeGreaterThan(10)
    expect(ports).toBeGreaterThan(20)
    // What a busy machine makes INVALID is neither.
    expect(
      codes.filter((code) => code !== 0 && code !== 4),
      output,
    ).toEqual([])
  },
)
