import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { batching } from '../../../patterns/contract/engine/batch.ts'

/** Doubles, one batch at a time, and remembers the sizes of the batches. */
function doubling(most: number) {
  const sizes: number[] = []
  let under = 0
  let mostUnder = 0
  const call = batching(async (inputs: readonly number[]) => {
    sizes.push(inputs.length)
    mostUnder = Math.max(mostUnder, ++under)
    await new Promise((resolve) => setImmediate(resolve))
    under--
    return inputs.map((input) => 2 * input)
  }, most)
  return { call, sizes, mostUnder: () => mostUnder }
}

describe('batching', () => {
  test('calls of one turn go together, each with its own answer', async () => {
    const { call, sizes } = doubling(100)
    expect(await Promise.all([1, 2, 3].map(call))).toEqual([2, 4, 6])
    expect(sizes).toEqual([3])
  })

  test('calls that come while one is under way wait for it and go together', async () => {
    const { call, sizes } = doubling(100)
    const first = call(1)
    await Promise.resolve()
    await Promise.resolve()
    expect(await Promise.all([first, call(2), call(3)])).toEqual([2, 4, 6])
    expect(sizes).toEqual([1, 2])
  })

  test('any number of calls: every answer right, never two batches at once, none too large', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer()), fc.integer({ min: 1, max: 5 }), async (inputs, most) => {
        const { call, sizes, mostUnder } = doubling(most)
        expect(await Promise.all(inputs.map(call))).toEqual(inputs.map((input) => 2 * input))
        expect(sizes.reduce((a, b) => a + b, 0)).toBe(inputs.length)
        expect(Math.max(0, ...sizes)).toBeLessThanOrEqual(most)
        expect(mostUnder()).toBeLessThanOrEqual(1)
      }),
    )
  })

  test('a failed batch rejects its callers, and the next one is performed', async () => {
    let failing = true
    const call = batching(async (inputs: readonly number[]) => {
      if (failing) throw new Error('down')
      return inputs
    }, 10)
    await expect(Promise.all([call(1), call(2)])).rejects.toThrow('down')
    failing = false
    expect(await call(3)).toBe(3)
  })
})
