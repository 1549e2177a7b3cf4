import { z } from 'zod'
import { linkFault } from './_kit/link-fault.ts'

const params = z.object({
  mode: z.enum(['reset', 'silent']).default('reset').describe('How the caller learns, or does not learn, of the loss'),
  probability: z.number().gt(0).max(1).default(1).describe('Share of connections that lose their responses'),
})

/** The request arrives and takes effect, its answer does not: the case that idempotency keys are for. */
export default linkFault({
  name: 'response-lost',
  summary: 'requests pass and take effect, responses are swallowed',
  needs: ['response-lost'],
  params,
  impact: ({ mode }) => (mode === 'silent' ? { kind: 'silence', loses: true } : { kind: 'break' }),
  toxics: ({ mode, probability }) => [
    { type: 'response_lost', stream: 'downstream', toxicity: probability, attributes: { mode } },
  ],
})
