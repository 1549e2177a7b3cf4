import { expect, test } from 'vitest'
import { retryAfterMs } from '../../../patterns/contract/client/http.ts'

function advice(headers: Record<string, string>): number | undefined {
  return retryAfterMs({ header: (name) => headers[name] })
}

test('the exact advice is a finer reading of the standard one, and none beside another one', () => {
  expect(advice({ 'retry-after': '2', 'retry-after-ms': '1250' })).toBe(1_250)
  expect(advice({ 'retry-after-ms': '1250' })).toBe(1_250)
  // A proxy has set its own, and does not know the finer header.
  expect(advice({ 'retry-after': '20', 'retry-after-ms': '1250' })).toBe(20_000)
  expect(advice({ 'retry-after': '20', 'retry-after-ms': 'soon' })).toBe(20_000)
})

test('a date is later than the answer’s own, by one clock', () => {
  const date = 'Thu, 01 Jan 1970 00:00:10 GMT'
  expect(advice({ date, 'retry-after': 'Thu, 01 Jan 1970 00:01:00 GMT' })).toBe(50_000)
  expect(advice({ date, 'retry-after': 'Thu, 01 Jan 1970 00:01:00 GMT', 'retry-after-ms': '49500' })).toBe(49_500)
  expect(advice({ date, 'retry-after': 'Thu, 01 Jan 1970 00:01:00 GMT', 'retry-after-ms': '100' })).toBe(50_000)
})
