import { z } from 'zod'
import { longestMs } from '../core/limits.ts'
import { linkFault, wholeMs } from './_kit/link-fault.ts'

const params = z.object({
  idleMs: z.number().gt(0).max(longestMs).default(350_000).describe('Silence after which a connection is forgotten'),
  mode: z.enum(['silent', 'reset']).default('silent').describe('What becomes of its next packet'),
})

/**
 * The table of a NAT, firewall or network load balancer forgets connections that carried no packet for a while: 350 s
 * on AWS, 240 s on Azure. Both ends believe that they are connected. Any packet refreshes the entry, a TCP keepalive
 * too.
 */
export default linkFault({
  name: 'idle-nat',
  summary: 'connections that were silent for a while are forgotten on the way: their next packet vanishes or is reset',
  needs: ['packet-filter'],
  floor: {
    param: 'idleMs',
    ms: 500,
    why: 'connections in use are silent for 200 ms and more while the kernel sends again',
  },
  params,
  impact: ({ mode }) => (mode === 'silent' ? { kind: 'silence', loses: true } : { kind: 'break' }),
  rule: ({ idleMs, mode }) => ({
    action: mode === 'silent' ? 'drop' : 'reset',
    direction: 'both',
    connections: 'all',
    probability: 1,
    idleMs: wholeMs(idleMs),
  }),
})
