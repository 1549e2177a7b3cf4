import { z } from 'zod'
import { longestMs } from '../core/limits.ts'
import { linkFault, wholeMs } from './_kit/link-fault.ts'

const params = z.object({
  delayMs: z.number().gt(0).max(longestMs).default(20_000).describe('Longer than the sender waits, which is 15 s'),
  probability: z.number().gt(0).max(1).default(1).describe('Share of connections that are slow'),
})

/** The receiver takes the callback and answers too late: the sender believes that the delivery failed. */
export default linkFault({
  name: 'receiver-slow',
  summary: 'the webhook receiver processes callbacks but answers too late',
  needs: ['toxics'],
  links: ['sender->receiver'],
  defaultTarget: { kind: 'link', link: 'sender->receiver', ordinal: 'all' },
  params,
  impact: ({ delayMs }) => ({ kind: 'delay', ms: delayMs }),
  toxics: ({ delayMs, probability }) => [
    {
      type: 'latency',
      stream: 'downstream',
      toxicity: probability,
      attributes: { latency: wholeMs(delayMs), jitter: 0 },
    },
  ],
})
