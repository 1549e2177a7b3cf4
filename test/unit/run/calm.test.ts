import { expect, test } from 'vitest'
import { untilCalm } from '../../../harness/run/machine/calm.ts'

const never = new AbortController().signal

test.each([
  ['a quiet machine is waited for half a second', [0], 500],
  ['a little waiting is none', [9], 500],
  ['half a second counts from the last wait on', [50, 50, 50, 0], 800],
  ['a short calm is none', [0, 0, 0, 0, 50, 0], 1000],
  ['one that never calms down is not waited for longer than ten seconds', [50], 10_000],
])('%s', async (_, waits, expectedMs) => {
  expect(await calmAfterMs(waits, never)).toBe(expectedMs)
})

test('an interrupt ends the wait', async () => {
  expect(await calmAfterMs([50], AbortSignal.abort())).toBe(0)
})

/** @param waits one per reading, in milliseconds; the last one goes on */
async function calmAfterMs(waits: readonly number[], signal: AbortSignal): Promise<number> {
  let ms = 0
  const read = () => new Map([['api-0', waits[Math.max(0, ms / 100 - 1)] ?? waits.at(-1)!]])
  await untilCalm(read, signal, async () => void (ms += 100))
  return ms
}
