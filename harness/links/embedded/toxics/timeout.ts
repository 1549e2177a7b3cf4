import { z } from 'zod'
import type { Toxic } from '../toxic.ts'

const attributes = z.object({ timeout: z.int().min(0).default(0) })

/**
 * Bytes of the stream are read and lost. The connection is closed after `timeout` milliseconds; with 0, when the toxic
 * is removed, because bytes are missing then. Not a firewall drop: that is `stall`.
 */
export default {
  name: 'timeout',
  summary: 'loses all bytes and closes the connection after timeout milliseconds (0: never)',
  attributes,
  attach(point) {
    const arm = (): void => {
      const { timeout } = point.attributes
      if (timeout === 0) return
      point.after(timeout, () => {
        point.fired(0, { closed: true })
        point.connection.close()
      })
    }
    arm()
    return {
      // oxlint-disable-next-line require-yield -- to yield nothing is to lose the bytes
      *chunk(data) {
        point.fired(data.length)
      },
      updated: arm,
      removed: () => point.connection.close(),
    }
  },
} satisfies Toxic<z.infer<typeof attributes>>
