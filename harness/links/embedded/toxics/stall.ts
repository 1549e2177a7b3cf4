import { z } from 'zod'
import type { Toxic } from '../toxic.ts'

const attributes = z.object({})

/**
 * The nearest to a firewall's silent drop that a process can do. The socket where the stream begins is no longer read,
 * so the kernel's window fills and acknowledges nothing. New connections get no answer, and the server is not dialled
 * for them. No FIN, no RST. Removed, all goes on. A drop both ways takes one stall per stream.
 */
export default {
  name: 'stall',
  summary: 'stops the stream and new connections without closing anything, until removed',
  attributes,
  attach(point) {
    point.fired(0, { fresh: point.fresh })
    point.connection.freeze(point.stream)
    return { removed: () => point.connection.thaw(point.stream) }
  },
} satisfies Toxic<z.infer<typeof attributes>>
