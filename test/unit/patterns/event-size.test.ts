import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { EventSize } from '../../../patterns/deliveries/sse/event-size.ts'

const most = 40

/** What a stream comes to in these pieces: the bytes before the event that is too large, and its size. */
function read(text: string, cuts: readonly number[]) {
  const bytes = Buffer.from(text)
  const size = new EventSize(most)
  const ends = [...cuts, bytes.length].toSorted((a, b) => a - b)
  let before = 0
  for (const [i, end] of ends.entries()) {
    const isGoingOn = !size.isTooLarge
    const taken = size.take(bytes.subarray(ends[i - 1] ?? 0, end))
    if (isGoingOn) before += taken
  }
  return { isTooLarge: size.isTooLarge, isWhole: size.isWhole, ...(size.isTooLarge && { bytes: size.bytes }), before }
}

const small = 'id: 1\ndata: small\n\n'
const large = `data: ${'x'.repeat(60)}\n\n`

test('counts an event, and not what comes before it or after it', () => {
  expect(read(small.repeat(10), [])).toMatchObject({ isTooLarge: false, before: 190 })
  expect(read(small + large + small, [])).toEqual({ isTooLarge: true, isWhole: true, bytes: 67, before: 19 })
  expect(read(`${small}data: ${'x'.repeat(60)}`, [])).toEqual({
    isTooLarge: true,
    isWhole: false,
    bytes: 66,
    before: 19,
  })
})

test('a comment is part of no event, however many there are before one', () => {
  const heartbeats = ': heartbeat\n'.repeat(1000)
  expect(read(heartbeats + small + heartbeats, [7, 5000])).toMatchObject({ isTooLarge: false })
  expect(read(`data: ${'x'.repeat(30)}\n${heartbeats}\n`, [])).toMatchObject({ isTooLarge: false })
  expect(read(heartbeats + large, [])).toMatchObject({ isTooLarge: true, bytes: 67 })
})

test('a line break is one, whatever it is made of', () => {
  const texts = ['\n', '\r\n', '\r'].map((end) => `data: ${'x'.repeat(33)}${end}${end}`.repeat(3))
  expect(texts.map((text) => read(text, []).isTooLarge)).toEqual([false, false, false])
  const larger = ['\n', '\r\n', '\r'].map((end) => `data: ${'x'.repeat(34)}${end}${end}`)
  expect(larger.map((text) => read(text, []))).toMatchObject([{ bytes: 41 }, { bytes: 41 }, { bytes: 41 }])
})

test('does not depend on the pieces in which it comes', () => {
  const lines = fc.constantFrom(
    'data: x',
    'id: 1',
    ': note',
    '',
    '',
    `data: ${'y'.repeat(30)}`,
    `data: ${'z'.repeat(50)}`,
  )
  const streams = fc.array(fc.tuple(lines, fc.constantFrom('\n', '\r\n', '\r')), { maxLength: 20 })
  fc.assert(
    fc.property(streams, fc.array(fc.nat(400), { maxLength: 12 }), (parts, cuts) => {
      const text = parts.map(([line, end]) => line + end).join('')
      const within = cuts.filter((cut) => cut <= text.length)
      const whole = read(text, [])
      // A piece may end between the two halves of a line break: then the empty half belongs to neither side.
      const cut = read(text, within)
      expect([cut.isTooLarge, cut.isWhole, cut.bytes]).toEqual([whole.isTooLarge, whole.isWhole, whole.bytes])
    }),
  )
})
