import { z } from 'zod'
import type { Toxic } from '../toxic.ts'

const attributes = z.object({ delay: z.int().min(0).default(0) })

/** The stream's end is passed on `delay` milliseconds late. */
export default {
  name: 'slow_close',
  summary: 'delays the end of the stream by delay milliseconds',
  attributes,
  attach: (point) => ({
    *end() {
      point.fired(0)
      yield point.attributes.delay
    },
  }),
} satisfies Toxic<z.infer<typeof attributes>>
