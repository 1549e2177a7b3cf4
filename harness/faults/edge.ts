import { z } from 'zod'
import { linkFault, wholeMs } from './_kit/link-fault.ts'

const params = z.object({
  idleMs: z
    .number()
    .gt(0)
    .default(60_000)
    .describe('Longest silence of the server: 504 before the first byte, a cut after it'),
  buffering: z
    .boolean()
    .default(false)
    .describe('Responses are collected before they are passed on, as nginx does by default'),
})

/**
 * A real load balancer (nginx) before every API node, with limits of its own. It is in the path of every arm in which this
 * fault occurs; armed means that its limits are in force. A stream that sends heartbeats more often than that survives it.
 */
export default linkFault({
  name: 'edge',
  summary: 'a load balancer in front of the API cuts what is silent for too long, and may buffer responses',
  needs: ['edge'],
  links: ['client->api'],
  floor: { param: 'idleMs', ms: 500, why: 'answers that are on time take some tens of milliseconds on a busy machine' },
  defaultTarget: { kind: 'link', link: 'client->api', ordinal: 'all' },
  params,
  impact: 'break',
  limits: ({ idleMs, buffering }) => ({ idleMs: wholeMs(idleMs), buffering }),
})
