import { z } from 'zod'
import { linkFault } from './_kit/link-fault.ts'

const params = z.object({
  existing: z.enum(['keep', 'reset']).default('reset').describe('What becomes of connections that are already open'),
  probability: z.number().gt(0).max(1).default(1).describe('Share of connections that are refused'),
})

/** There is no listener: new connections are refused at once. */
export default linkFault({
  name: 'refuse',
  summary: 'new connections are refused, open ones are reset or kept',
  needs: ['refuse'],
  params,
  impact: 'break',
  toxics: ({ existing, probability }) => [
    { type: 'refuse', stream: 'upstream', toxicity: probability, attributes: { existing } },
  ],
})
