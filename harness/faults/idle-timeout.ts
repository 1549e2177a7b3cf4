import { z } from 'zod'
import { longestMs } from '../core/limits.ts'
import { linkFault, wholeMs } from './_kit/link-fault.ts'

const params = z.object({
  idleMs: z.number().gt(0).max(longestMs).default(60_000).describe('Silence after which a connection is forgotten'),
  mode: z.enum(['silent', 'reset']).default('silent').describe('Whether anybody is told'),
  probability: z.number().gt(0).max(1).default(1).describe('Share of connections that it applies to'),
})

/** A NAT or load balancer that drops flows which carry no payload; 60 s is a common default (AWS ALB, nginx). */
export default linkFault({
  name: 'idle-timeout',
  summary: 'connections without payload for a while are dropped, silently or by a reset',
  needs: ['idle-timeout'],
  params,
  impact: ({ mode }) => (mode === 'silent' ? { kind: 'silence', loses: true } : { kind: 'break' }),
  toxics: ({ idleMs, mode, probability }) => [
    { type: 'idle_timeout', stream: 'downstream', toxicity: probability, attributes: { idle: wholeMs(idleMs), mode } },
  ],
})
