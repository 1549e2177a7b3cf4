import { z } from 'zod'
import { linkFault } from './_kit/link-fault.ts'

const params = z.object({
  mode: z.enum(['refused', 'silent']).default('refused').describe('Connection refused, or no answer at all'),
  probability: z.number().gt(0).max(1).default(1).describe('Share of connections that do not get through'),
})

/**
 * The webhook receiver cannot be reached: it is down, or a firewall is in the way. The draw is per connection, so
 * `probability` is a share of deliveries only for a sender that opens a connection for each.
 */
export default linkFault({
  name: 'receiver-down',
  summary: 'the webhook receiver cannot be reached',
  needs: ['stall', 'refuse'],
  links: ['sender->receiver'],
  defaultTarget: { kind: 'link', link: 'sender->receiver', ordinal: 'all' },
  params,
  impact: ({ mode }) => ({
    ...(mode === 'silent' ? { kind: 'silence', loses: true } : { kind: 'break' }),
    stopsRequests: true,
  }),
  // Silence towards the receiver alone is enough, and one toxic is one draw per connection.
  toxics: ({ mode, probability }) => [
    mode === 'refused'
      ? { type: 'refuse', stream: 'upstream', toxicity: probability, attributes: { existing: 'keep' } }
      : { type: 'stall', stream: 'upstream', toxicity: probability, attributes: {} },
  ],
})
