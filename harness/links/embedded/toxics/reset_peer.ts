import { z } from 'zod'
import type { Toxic } from '../toxic.ts'

const attributes = z.object({ timeout: z.int().min(0).default(0) })

/**
 * RST to both ends, `timeout` milliseconds after the toxic met the connection. Unlike Toxiproxy's, which closes an
 * existing connection with FIN and only once a chunk arrives, it needs no chunk and truly resets.
 */
export default {
  name: 'reset_peer',
  summary: 'resets both ends of the connection after timeout milliseconds',
  attributes,
  attach(point) {
    const reset = (): void => {
      point.fired(0)
      point.connection.reset()
    }
    const arm = (): void => {
      if (point.attributes.timeout === 0) reset()
      else point.after(point.attributes.timeout, reset)
    }
    arm()
    return { updated: arm }
  },
} satisfies Toxic<z.infer<typeof attributes>>
