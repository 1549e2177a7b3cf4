import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PartLog } from '../../../harness/live/part-log.ts'
import type { Part } from '../../../harness/live/parts.ts'

const part = (id: string, html: string): Part => ({ id, inside: 'cells', html })

/** What a page that gets these frames holds then. */
function read(frames: string, page = new Map<string, string>()): Map<string, string> {
  for (const block of frames.split('\n\n').filter((text) => text !== '')) {
    const [, name] = /^event: (.*)$/m.exec(block)!
    const [, data] = /^data: (.*)$/m.exec(block)!
    if (name === 'stream.reset') page.clear()
    else {
      const { id, html } = JSON.parse(data!) as Part
      if (html === '') page.delete(id)
      else page.set(id, html)
    }
  }
  return page
}

const idsIn = (frames: string): readonly number[] => [...frames.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))

test('only what differs is a change', () => {
  const log = new PartLog()
  log.publish([part('a', '1'), part('b', '1')])
  log.publish([part('a', '1'), part('b', '2')])
  expect(log.version).toBe(3)
  expect(log.after(2)).toEqual([{ ...part('b', '2'), number: 3 }])
})

test('what is gone is told once, and can come back', () => {
  const log = new PartLog()
  log.publish([part('a', '1')])
  log.publish([])
  log.publish([])
  expect(log.after(1)).toEqual([{ ...part('a', ''), number: 2 }])
  log.publish([part('a', '1')])
  expect(log.after(2)).toEqual([{ ...part('a', '1'), number: 3 }])
})

test.each([
  ['nothing', [undefined, undefined], false],
  ['0', ['0'], false],
  ['a place', ['1'], false],
  ['the end', ['2'], false],
  ['a place beyond the end', ['99'], true],
  ['no number', ['x'], true],
  ['an old address and a newer header', ['99', '1'], false],
])('who names %s is reset: %s %s', (_, places, isReset) => {
  const log = new PartLog()
  log.publish([part('a', '1'), part('b', '1')])
  expect(log.resume(places).frames.includes('event: stream.reset')).toBe(isReset)
})

test('a frame is one block with its number, whatever its text holds', () => {
  const log = new PartLog()
  log.publish([part('a', 'x\n\nid: 77\nevent: end\ndata: {}\n\n')])
  expect(idsIn(log.framesAfter(0))).toEqual([1])
  expect(read(log.framesAfter(0)).get('a')).toContain('id: 77')
})

const published = fc.array(
  fc.uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('1', '2', '3')), {
    selector: ([id]) => id,
  }),
  { minLength: 1, maxLength: 12 },
)

test('who resumes anywhere has the whole page in the end, and each part once', () => {
  fc.assert(
    fc.property(published, fc.nat(), fc.nat(), (rounds, stop, cut) => {
      const log = new PartLog()
      const half = stop % rounds.length
      for (const round of rounds.slice(0, half)) log.publish(round.map(([id, html]) => part(id, html)))
      const first = log.resume([])
      // The connection broke after some of the frames.
      const blocks = first.frames.split(/(?<=\n\n)/).filter((text) => text !== '')
      const got = blocks.slice(0, cut % (blocks.length + 1)).join('')
      const at = idsIn(got).at(-1) ?? 0
      const page = read(got)
      for (const round of rounds.slice(half)) log.publish(round.map(([id, html]) => part(id, html)))
      const rest = log.resume([String(at)])
      expect(idsIn(rest.frames)).toEqual(idsIn(rest.frames).toSorted((a, b) => a - b))
      expect(rest.at).toBe(log.version)
      expect(read(rest.frames, page)).toEqual(new Map(rounds.at(-1)))
    }),
  )
})

test('it holds each part once, however often it changes', () => {
  const log = new PartLog()
  for (let i = 0; i < 1_000; i++) log.publish([part('a', String(i))])
  expect(log.after(0)).toHaveLength(1)
})
