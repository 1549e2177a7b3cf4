import { z } from 'zod'
import { nodeFault } from './_kit/node-fault.ts'

const params = z.object({
  share: z.number().min(0.01).max(1).default(0.05).describe('Of one processor, that the node keeps'),
})

/** A noisy neighbour or a limit that is too small: the node is alive and hardly gets on. */
export default nodeFault({
  name: 'cpu-pressure',
  summary: 'a node gets a small share of one processor',
  needs: ['limits'],
  proof:
    'the quota was read back, the kernel throttled the node at least once, and it is the same process when the window ends',
  params,
  impact: 'silence',
  harm: (node, { share }) => {
    if (!node.limitCpu) throw new Error(`${node.name} has no processor quota that could be changed`)
    return node.limitCpu(share)
  },
  shows: ({ quota }) => typeof quota === 'number',
  bound: true,
})
