import { z } from 'zod'
import { nodeFault } from '../core/node-fault.ts'

/** SIGKILL: what an out-of-memory kill or a lost machine is to a process. Nothing is flushed, nobody is told. */
export default nodeFault({
  name: 'kill',
  summary: 'end a node by SIGKILL and start it again after the window',
  needs: ['kill'],
  params: z.object({}),
  harm: (node) => node.kill(),
  shows: ({ signal }) => signal === 'SIGKILL',
  bound: false,
})
