import { z } from 'zod'
import type { Rng } from '../../../core/rng.ts'
import type { Toxic } from '../toxic.ts'

const attributes = z
  .object({
    average_size: z.int().min(1).default(1),
    size_variation: z.int().min(0).default(0),
    delay: z.int().min(0).default(0),
  })
  .refine(({ average_size, size_variation }) => size_variation < average_size, {
    path: ['size_variation'],
    message: 'must be less than average_size',
  })

/** Chunks are cut into pieces of `average_size` +/- `size_variation` bytes, `delay` microseconds apart. */
export default {
  name: 'slicer',
  summary: 'cuts chunks into pieces of average_size +/- size_variation bytes, delay microseconds apart',
  attributes,
  attach(point) {
    // Timers count milliseconds: shorter delays add up until they can be waited for.
    let owedMs = 0
    return {
      *chunk(data) {
        for (let start = 0; start < data.length;) {
          const piece = data.subarray(start, start + drawSize(point.attributes, point.rng))
          start += piece.length
          if (piece.length < data.length) point.fired(piece.length)
          yield piece
          owedMs += point.attributes.delay / 1000
          if (owedMs < 1) continue
          yield owedMs
          owedMs = 0
        }
      },
    }
  },
} satisfies Toxic<z.infer<typeof attributes>>

function drawSize({ average_size, size_variation }: z.infer<typeof attributes>, rng: Rng): number {
  return average_size - size_variation + Math.floor(rng.next() * (2 * size_variation + 1))
}
