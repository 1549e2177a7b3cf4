import { z } from 'zod'
import { nodeFault } from './_kit/node-fault.ts'

/** SIGSTOP or the freezer: a stop-the-world pause. The kernel still acknowledges packets, so this is not a firewall drop. */
export default nodeFault({
  name: 'pause',
  summary: 'freeze a node and let it go on after the window',
  needs: ['pause'],
  proof:
    'the operating system says that the process is stopped or frozen, and it is the same process when the window ends',
  params: z.object({}),
  impact: 'silence',
  harm: (node) => node.pause(),
  shows: ({ state }) => state === 'T' || state === 'frozen',
  bound: true,
})
