import { z } from 'zod'
import { monotonicMs } from '../../../../patterns/contract/types/timer.ts'
import type { Toxic } from '../toxic.ts'

const attributes = z.object({ rate: z.int().min(0).default(0) })

/** Bytes are passed on in pieces of at most this many milliseconds' worth. */
const pieceMs = 100
/** A timer that was late may be made up for, up to this. */
const creditMs = 20

/** At most `rate` KB per second (1 KB = 1000 bytes, as in Toxiproxy). With rate 0 nothing passes. */
export default {
  name: 'bandwidth',
  summary: 'limits the stream to rate KB per second',
  attributes,
  attach(point) {
    let freeAt = 0
    return {
      *chunk(data) {
        for (let rest = data; rest.length > 0;) {
          const rate = point.attributes.rate
          const piece = rate > 0 ? rest.subarray(0, rate * pieceMs) : rest
          freeAt = Math.max(freeAt, monotonicMs() - creditMs) + piece.length / rate
          const waitMs = freeAt - monotonicMs()
          if (waitMs > 0) point.fired(piece.length)
          yield waitMs
          yield piece
          rest = rest.subarray(piece.length)
        }
      },
      // What waited for the old rate was passed on: it counts for nothing.
      updated: () => void (freeAt = 0),
    }
  },
} satisfies Toxic<z.infer<typeof attributes>>
