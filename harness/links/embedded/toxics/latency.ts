import { z } from 'zod'
import { monotonicMs } from '../../../../patterns/contract/types/timer.ts'
import type { Toxic } from '../toxic.ts'

const attributes = z.object({ latency: z.int().min(0).default(0), jitter: z.int().min(0).default(0) })

/** Every chunk leaves `latency` +/- `jitter` milliseconds after it came, and never before its predecessor. */
export default {
  name: 'latency',
  summary: 'delays every chunk by latency +/- jitter milliseconds',
  attributes,
  // What is under way for a second at a gigabit must not slow its source down.
  bufferBytes: 128 * 1024 * 1024,
  attach: (point) => ({
    *chunk(data, arrivedAt) {
      const { latency, jitter } = point.attributes
      const delayMs = latency + jitter * (2 * point.rng.next() - 1)
      if (delayMs > 0) point.fired(data.length, { delayMs })
      yield arrivedAt + delayMs - monotonicMs()
      yield data
    },
  }),
} satisfies Toxic<z.infer<typeof attributes>>
