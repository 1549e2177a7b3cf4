import { z } from 'zod'
import { longestMs } from '../core/limits.ts'
import { linkFault, wholeMs } from './_kit/link-fault.ts'

const params = z.object({
  afterMs: z.number().min(0).max(longestMs).default(0).describe('How long a connection lives before it is reset'),
  probability: z.number().gt(0).max(1).default(1).describe('Share of connections that are reset'),
})

/** RST in the middle of a conversation: a crashed middlebox, or a load balancer that lost its table. */
export default linkFault({
  name: 'reset',
  summary: 'connections end with a TCP reset',
  needs: ['toxics'],
  params,
  impact: 'break',
  toxics: ({ afterMs, probability }) => [
    {
      type: 'reset_peer',
      stream: 'downstream',
      toxicity: probability,
      attributes: { timeout: afterMs > 0 ? wholeMs(afterMs) : 0 },
    },
  ],
})
