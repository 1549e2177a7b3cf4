import { z } from 'zod'
import type { Toxic } from '../toxic.ts'

const attributes = z.object({ mode: z.enum(['reset', 'silent']).default('reset') })

/**
 * The server does the work and its answer never arrives. Requests pass. The first response bytes, and all bytes after
 * them on this connection, are lost. `reset`: the client gets RST at that moment. `silent`: it hears nothing more, also
 * after the toxic is removed, as the answer would go on in its middle.
 */
export default {
  name: 'response_lost',
  summary: 'passes requests on and loses the response; then resets the client or leaves it in silence',
  stream: 'downstream',
  attributes,
  attach: (point) => ({
    // oxlint-disable-next-line require-yield -- to yield nothing is to lose the bytes
    *chunk(data) {
      const { mode } = point.attributes
      point.fired(data.length, { mode })
      if (mode === 'reset') point.connection.dropClient()
      else point.connection.mute()
    },
  }),
} satisfies Toxic<z.infer<typeof attributes>>
