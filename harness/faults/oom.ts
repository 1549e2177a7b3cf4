import { z } from 'zod'
import { nodeFault } from './_kit/node-fault.ts'

/** The memory limit of a node is reached and the kernel kills it: what Kubernetes calls OOMKilled. */
export default nodeFault({
  name: 'oom',
  summary: 'fill the memory of a node until the kernel kills it, and start it again after the window',
  needs: ['limits'],
  proof: 'the kernel says that it killed the process for its memory',
  params: z.object({}),
  impact: { kind: 'end', takesMemory: true },
  harm: (node) => {
    if (!node.exhaustMemory) throw new Error(`${node.name} has no memory limit that could be reached`)
    return node.exhaustMemory()
  },
  shows: ({ oomKilled }) => oomKilled === true,
  bound: false,
})
