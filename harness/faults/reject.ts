import { z } from 'zod'
import { linkFault } from './_kit/link-fault.ts'

const params = z.object({
  with: z.enum(['reset', 'unreachable']).default('reset').describe('TCP RST, or ICMP administratively prohibited'),
  connections: z.enum(['all', 'new']).default('all').describe('Open ones too, or only those that are being opened'),
  probability: z.number().gt(0).max(1).default(1).describe('Share of connections, drawn from the seed'),
})

/** A firewall that answers: a sender learns of it at once, a peer that only listens does not. */
export default linkFault({
  name: 'reject',
  summary: 'a packet filter refuses what passes and tells the sender, by RST or by ICMP',
  needs: ['packet-filter'],
  params,
  impact: 'break',
  rule: ({ with: action, connections, probability }) => ({ action, direction: 'both', connections, probability }),
})
