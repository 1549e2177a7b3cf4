import { expect, test } from 'vitest'
import { becomeReady, countCrashes } from '../../../harness/runtimes/_shared/pod-life.ts'

test('the delay doubles with every crash in a row, up to a cap, and begins anew after a long life', () => {
  const delayAfter = countCrashes(10)
  expect([0, 0, 0, 0, 0, 0, 0, 0].map(delayAfter)).toEqual([10, 20, 40, 80, 160, 320, 640, 640])
  expect(delayAfter(601)).toBe(10)
  expect(delayAfter(600)).toBe(20)
})

test('a node that ends before it is ready is named with its log', async () => {
  const ready = { tcp: { host: '127.0.0.1', port: 1 } }
  const node = { name: 'api-0', logFile: 'logs/api-0.log', ready, ended: Promise.resolve() }
  await expect(becomeReady(node, AbortSignal.timeout(1000))).rejects.toThrow(
    'api-0 ended while it was starting (logs/api-0.log)',
  )
})
