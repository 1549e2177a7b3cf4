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

const [soon, later] = ['Thu, 01 Jan 1970 00:00:30 GMT', 'Thu, 01 Jan 1970 00:01:00 GMT']
test.each([
  ['two dates', `${soon}, ${later}`, 50_000],
  ['two dates without a blank', `${later},${soon}`, 50_000],
  ['a date and seconds', `${soon}, 70`, 70_000],
  ['seconds and a date', `7,${later}`, 50_000],
  ['dates of the older forms', 'Thursday, 01-Jan-70 00:00:30 GMT, Thu Jan  1 00:01:00 1970', 50_000],
  ['one of two that is none', `soon, ${later}`, 50_000],
  ['seconds', '1, 20,3.5', 20_000],
])('of several lines the longest counts: %s', (_, header, wantedMs) => {
  expect(advice({ date: 'Thu, 01 Jan 1970 00:00:10 GMT', 'retry-after': header })).toBe(wantedMs)
})

test.each(['', 'soon', 'Thu', '-5', '1e3', ', ,'])('no advice: "%s"', (header) => {
  expect(advice({ 'retry-after': header })).toBeUndefined()
})

test('the exact advice may have a fraction, and several lines', () => {
  expect(advice({ 'retry-after-ms': '1500.5' })).toBe(1_500.5)
  expect(advice({ 'retry-after': '2', 'retry-after-ms': '1500.5' })).toBe(1_500.5)
  expect(advice({ 'retry-after-ms': '100, 1500' })).toBe(1_500)
})
