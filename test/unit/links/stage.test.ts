import { setTimeout as sleep } from 'node:timers/promises'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createRng } from '../../../harness/core/rng.ts'
import { createQueue, type Item, Stage } from '../../../harness/links/embedded/stage.ts'
import { formatAddress, parseAddress } from '../../../harness/links/embedded/sockets.ts'
import type { ToxicHooks } from '../../../harness/links/embedded/toxic.ts'
import slicer from '../../../harness/links/embedded/toxics/slicer.ts'

const open = (hooks: ToxicHooks): { stage: Stage; out: Item[] } => {
  const out: Item[] = []
  return {
    stage: new Stage(
      hooks,
      (item) => void out.push(item),
      () => {},
    ),
    out,
  }
}
const bytes = (text: string): Buffer => Buffer.from(text)
const textOf = (out: readonly Item[]): string => out.map(String).join(' ')
const slowly: ToxicHooks = {
  *chunk(data) {
    yield 60_000
    yield data
  },
}

describe('a stage', () => {
  test('without hooks passes everything on at once', () => {
    const { stage, out } = open({})
    for (const item of [bytes('a'), bytes('b'), 'end'] as const) stage.push(item)
    expect(textOf(out)).toBe('a b end')
    expect(stage.waitingBytes).toBe(0)
  })

  test('keeps items in order behind one that waits, and counts what waits', async () => {
    const { stage, out } = open({
      *chunk(data) {
        if (String(data) === 'slow') yield 30
        yield data
      },
    })
    for (const item of [bytes('slow'), bytes('fast'), 'end'] as const) stage.push(item)
    expect([textOf(out), stage.waitingBytes]).toEqual(['', 8])
    while (out.length < 3) await sleep(5)
    expect([textOf(out), stage.waitingBytes]).toEqual(['slow fast end', 0])
  })

  test('released, passes on all that waits without waiting', () => {
    const { stage, out } = open(slowly)
    for (const item of [bytes('a'), bytes('b'), 'reset'] as const) stage.push(item)
    stage.release()
    expect([textOf(out), stage.waitingBytes]).toEqual(['a b reset', 0])
  })

  test('hurried, finishes the work in progress only', () => {
    const { stage, out } = open(slowly)
    stage.push(bytes('a'))
    stage.push(bytes('b'))
    stage.hurry()
    expect([textOf(out), stage.waitingBytes]).toEqual(['a', 1])
    stage.stop()
  })

  test('loses what a toxic does not yield', () => {
    const { stage, out } = open({ *chunk() {} })
    stage.push(bytes('lost'))
    stage.push('end')
    expect([textOf(out), stage.waitingBytes]).toEqual(['end', 0])
  })

  test('stopped, takes nothing more', () => {
    const { stage, out } = open({})
    stage.stop()
    stage.push(bytes('late'))
    expect(out).toEqual([])
  })
})

test('a queue is first in, first out', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.integer()), { maxLength: 5000 }), (steps) => {
      const queue = createQueue<number>()
      const model: number[] = []
      for (const step of steps) {
        if (step === null) expect(queue.shift()).toBe(model.shift())
        else queue.push(model[model.push(step) - 1]!)
      }
      expect(queue.takeAll()).toEqual(model)
      expect(queue.shift()).toBeUndefined()
    }),
  )
})

test('a slicer keeps every byte and the sizes that it is given', () => {
  const sizes = fc
    .record({ average_size: fc.integer({ min: 1, max: 50 }), size_variation: fc.nat(49) })
    .filter(({ average_size, size_variation }) => size_variation < average_size)
  fc.assert(
    fc.property(sizes, fc.uint8Array({ maxLength: 400 }), fc.nat(), (size, data, seed) => {
      const point = { attributes: { ...size, delay: 0 }, rng: createRng(seed), fired: () => {} }
      const hooks: ToxicHooks = slicer.attach(point as unknown as Parameters<typeof slicer.attach>[0])
      const pieces = [...hooks.chunk!(Buffer.from(data), 0)].filter((piece) => typeof piece !== 'number')
      expect(Buffer.concat(pieces).equals(data)).toBe(true)
      for (const piece of pieces.slice(0, -1))
        expect(Math.abs(piece.length - size.average_size)).toBeLessThanOrEqual(size.size_variation)
    }),
  )
})

test.each([
  ['127.0.0.1:80', '127.0.0.1', 80],
  [':0', '', 0],
  ['localhost:65535', 'localhost', 65_535],
  ['[::1]:5432', '::1', 5432],
])('%s is an address', (text, host, port) => {
  expect(parseAddress(text)).toEqual({ host, port })
  expect(formatAddress(host, port)).toBe(text)
})

test.each(['', '80', 'localhost', 'localhost:', 'localhost:65536', '::1:80', 'http://localhost:80'])(
  '%j is no address',
  (text) => expect(parseAddress(text)).toBeUndefined(),
)
