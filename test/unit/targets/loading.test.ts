import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import type { Target } from '../../../harness/model/target.ts'
import { openSpeech } from '../../../harness/targets/speech.ts'

afterEach(() => void vi.useRealTimers())

test('an adapter that never finishes loading ends its cell, and does not hold it for ever', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'test-of-outlast-'))
  const file = join(folder, 'adapter.ts')
  await writeFile(file, 'await new Promise(() => {})\nexport default {}\n')
  vi.useFakeTimers()
  const target = { name: 'jobs', speech: { kind: 'adapter', file }, work: {}, client: 'polling' } as unknown as Target
  const opened = openSpeech(target, { timeScale: 1, onLost: () => {} })
  await Promise.all([
    expect(opened).rejects.toThrow(/adapter of jobs, .* cannot be loaded: it was not done after 10 s/),
    vi.advanceTimersByTimeAsync(10_000),
  ])
  await rm(folder, { recursive: true })
})
