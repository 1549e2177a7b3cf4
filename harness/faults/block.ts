import { z } from 'zod'
import { nodeFault } from './_kit/node-fault.ts'

/**
 * A callback that computes for seconds, a huge JSON, a bad regular expression: the process lives, its event loop gives nobody a turn.
 * Unlike a pause it keeps its processor, and the kernel goes on taking connections that nobody will answer.
 */
export default nodeFault({
  name: 'block',
  summary: 'the event loop of a node is busy and gives nobody a turn until the window ends',
  needs: ['block'],
  proof: 'the node says that its event loop stands still, and it still does when the window ends',
  params: z.object({}),
  impact: 'silence',
  harm: (node, _, { windowMs }) => {
    if (!node.block) throw new Error(`${node.name} is no node of ours, whose event loop could be kept busy`)
    return node.block(windowMs + expiryMarginMs)
  },
  shows: ({ blocked }) => blocked === true,
  bound: true,
})

/** The node's own end of it comes this long after the planned one: only for a harness that is gone. */
const expiryMarginMs = 20_000
