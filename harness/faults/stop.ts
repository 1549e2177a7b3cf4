import { z } from 'zod'
import { longestMs } from '../core/limits.ts'
import { nodeFault } from './_kit/node-fault.ts'

const params = z.object({
  graceMs: z
    .number()
    .min(0)
    .max(longestMs)
    .default(30_000)
    .describe('How long the node may take to drain before it is killed'),
  identity: z
    .enum(['same', 'new'])
    .default('same')
    .describe('Who comes back: the same node, or one with a new name and address'),
})

/** SIGTERM with a grace: a deploy or a scale-in. The evidence says whether the node drained or overran its grace. */
export default nodeFault({
  name: 'stop',
  summary: 'end a node by SIGTERM, SIGKILL when its grace is over, and start it again after the window',
  needs: ['stop'],
  proof: 'the operating system says how the process ended: its exit code, or the signal',
  params,
  impact: 'end',
  harm: (node, { graceMs, identity }) => node.stop(graceMs, identity),
  shows: ({ signal, code }) => typeof signal === 'string' || typeof code === 'number',
  bound: false,
})
