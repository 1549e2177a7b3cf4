import { z } from 'zod'
import { longestMs } from '../core/limits.ts'
import { linkFault, wholeMs } from './_kit/link-fault.ts'

const params = z.object({
  delayMs: z.number().gt(0).max(longestMs).describe('Added to every chunk of data'),
  jitterMs: z
    .number()
    .min(0)
    .max(longestMs)
    .default(0)
    .describe('Varies the delay uniformly by this much, up and down'),
  direction: z.enum(['request', 'response']).default('response').describe('Which way is slow'),
  probability: z.number().gt(0).max(1).default(1).describe('Share of connections that are slow'),
})

/** A long or congested way between two nodes. */
export default linkFault({
  name: 'latency',
  summary: 'every chunk of data arrives later',
  needs: ['toxics'],
  params,
  impact: ({ delayMs, jitterMs }) => ({ kind: 'delay', ms: delayMs + jitterMs }),
  toxics: ({ delayMs, jitterMs, direction, probability }) => [
    {
      type: 'latency',
      stream: direction === 'request' ? 'upstream' : 'downstream',
      toxicity: probability,
      attributes: { latency: wholeMs(delayMs), jitter: Math.round(jitterMs) },
    },
  ],
})
