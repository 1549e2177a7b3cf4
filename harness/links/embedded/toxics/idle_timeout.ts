import { z } from 'zod'
import { monotonicMs } from '../../../../patterns/contract/types/timer.ts'
import type { Toxic } from '../toxic.ts'

const attributes = z.object({
  idle: z.int().min(1).default(60_000),
  mode: z.enum(['silent', 'reset']).default('silent'),
})

/**
 * What load balancers and NAT do: after `idle` milliseconds without a byte in either direction the connection is
 * forgotten. `silent`: from then on every byte is lost, and neither end learns of it. `reset`: RST to both. The time
 * counts from when the toxic met the connection. Its stream does not matter.
 */
export default {
  name: 'idle_timeout',
  summary: 'forgets (silent) or resets a connection after idle milliseconds without payload',
  attributes,
  attach(point) {
    let lastPayloadAt = monotonicMs()
    const expire = (): void => {
      const { mode } = point.attributes
      point.fired(0, { mode, idleMs: monotonicMs() - lastPayloadAt })
      if (mode === 'reset') point.connection.reset()
      else point.connection.blackhole()
    }
    // Moving a timer for every chunk would be dear: it looks when it fires how much is left.
    const watch = (): void => {
      const leftMs = lastPayloadAt + point.attributes.idle - monotonicMs()
      if (leftMs <= 0) expire()
      else point.after(Math.ceil(leftMs), watch)
    }
    watch()
    return { payload: () => void (lastPayloadAt = monotonicMs()), updated: watch }
  },
} satisfies Toxic<z.infer<typeof attributes>>
