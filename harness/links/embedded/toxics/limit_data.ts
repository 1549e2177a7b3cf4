import { z } from 'zod'
import type { Toxic } from '../toxic.ts'

const attributes = z.object({ bytes: z.int().min(0).default(0) })

/** The connection is closed once `bytes` bytes of the stream have passed; what comes beyond is cut off. */
export default {
  name: 'limit_data',
  summary: 'closes the connection after bytes bytes of the stream',
  attributes,
  attach: (point) => ({
    *chunk(data) {
      const left = Math.max(0, point.attributes.bytes - point.passedBytes)
      if (left > 0) yield data.subarray(0, left)
      if (data.length < left) return
      point.fired(point.passedBytes, { cut: data.length - left })
      point.connection.close()
    },
  }),
} satisfies Toxic<z.infer<typeof attributes>>
