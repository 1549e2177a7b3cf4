import { z } from 'zod'
import { linkFault } from './_kit/link-fault.ts'

const params = z.object({
  direction: z
    .enum(['both', 'request', 'response'])
    .default('both')
    .describe('Which way is silent; acknowledgements go the other way, so one way is enough to stall both'),
  connections: z.enum(['all', 'new']).default('all').describe('Open ones too, or only those that are being opened'),
  probability: z.number().gt(0).max(1).default(1).describe('Share of connections, drawn from the seed'),
})

/**
 * A firewall that drops packets: no FIN, no RST, not even an acknowledgement. Unlike a proxy's silence it shows to the
 * kernels of both ends, whose retransmissions and keepalives get no answer either.
 */
export default linkFault({
  name: 'drop',
  summary: 'a packet filter drops what passes, without a word to anybody',
  needs: ['packet-filter'],
  params,
  impact: { kind: 'silence', dropsPackets: true },
  rule: (given) => ({ action: 'drop', ...given }),
})
