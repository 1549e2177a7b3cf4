import { z } from 'zod'
import type { Toxic } from '../toxic.ts'

const attributes = z.object({})

/**
 * The nearest to a firewall's silent drop that a process can do: the socket where the stream begins is no longer read,
 * so that the kernel's window fills and then acknowledges nothing; new connections are left unanswered and nobody is
 * dialled for them. No FIN, no RST. Removed, all goes on. A drop both ways takes one stall per stream.
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
