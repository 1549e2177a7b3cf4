import { expect, test, vi } from 'vitest'
import { listenForInterrupts } from '../../../harness/cli/exit.ts'

const dayMs = 24 * 3_600_000

test('a time limit of weeks does not end a run at once', async () => {
  vi.useFakeTimers()
  const say = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  try {
    using interrupt = listenForInterrupts({ ms: 40 * dayMs, text: '--max-duration 960h' })
    await vi.advanceTimersByTimeAsync(40 * dayMs - 1)
    expect(interrupt.signal.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect((interrupt.signal.reason as Error).message).toBe('--max-duration 960h')
    expect(say).toHaveBeenCalledOnce()
  } finally {
    say.mockRestore()
    vi.useRealTimers()
  }
})
