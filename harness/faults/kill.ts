import { z } from 'zod'
import { nodeFault } from './_kit/node-fault.ts'

const params = z.object({
  identity: z
    .enum(['same', 'new'])
    .default('same')
    .describe('Who comes back: the same node, or, as a rescheduled pod, one with a new name and address'),
})

/**
 * SIGKILL: what an out-of-memory kill or a lost machine is to a process. Nothing is flushed, and no peer gets a notice.
 */
export default nodeFault({
  name: 'kill',
  summary: 'end a node by SIGKILL and start it again after the window',
  needs: ['kill'],
  proof: 'the operating system says that the process ended by SIGKILL',
  params,
  impact: { kind: 'end', sudden: true },
  harm: (node, { identity }) => node.kill(identity),
  shows: ({ signal }) => signal === 'SIGKILL',
  bound: false,
})
