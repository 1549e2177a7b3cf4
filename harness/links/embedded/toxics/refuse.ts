import { z } from 'zod'
import type { Toxic } from '../toxic.ts'

const attributes = z.object({ existing: z.enum(['keep', 'reset']).default('keep') })

/**
 * New connections are refused. With toxicity 1 the kernel refuses them (ECONNREFUSED, no listener). Otherwise those
 * that are hit are reset as soon as they are accepted. `existing` says what becomes of connections that are there
 * already. The kernel does not report which connections it refused. One canary connection of the proxy represents them
 * in the evidence.
 */
export default {
  name: 'refuse',
  summary: 'refuses new connections; existing ones are kept or reset',
  attributes,
  closesListener: (toxicity) => toxicity >= 1,
  attach(point) {
    if (point.fresh || point.attributes.existing === 'reset') {
      point.fired(0, { fresh: point.fresh })
      point.connection.reset()
    }
    return {}
  },
} satisfies Toxic<z.infer<typeof attributes>>
