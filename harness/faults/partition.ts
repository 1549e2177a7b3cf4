import { z } from 'zod'
import { acquireEach, sinceOf } from './_kit/acquire.ts'
import { expiryMarginMs, verifyInstalled, nameOf, proveImpairments } from './_kit/link-fault.ts'
import type { Fault } from '../model/fault.ts'

const params = z.object({
  from: z
    .enum(['all', 'api', 'worker', 'engine', 'store'])
    .default('all')
    .describe('The other side: every other node, or those of one role'),
})

/** Two groups of nodes that cannot reach each other, while each goes on by itself and hears no FIN and no RST. */
const fault: Fault<z.output<typeof params>> = {
  name: 'partition',
  summary: 'no packet passes between the target and the other nodes, or those of one role',
  acts: 'node',
  needs: ['isolate'],
  proof: 'the cut is there after arming and when the window ends, and at least one packet met it',
  together: true,
  params,
  impact: { kind: 'silence', dropsPackets: true },
  arm: async (site, { from }, signal) => {
    if (site.nodes.length === 0) throw new Error('there is no node to cut off')
    const name = nameOf(site)
    const cut = { name, from, expiresMs: site.windowMs + expiryMarginMs }
    const isolate = async (node: (typeof site.nodes)[number]) => {
      if (!node.isolate) throw new Error(`nothing stands between ${node.name} and the others`)
      return { name: node.name, label: `${node.name} ${name}`, ...(await node.isolate(cut)) }
    }
    const { held, undone, heal } = await acquireEach(site.nodes, isolate, verifyInstalled, signal)
    return {
      evidence: {
        ...Object.fromEntries(held.map(({ label, evidence = {} }) => [label, evidence])),
        ...(undone.length > 0 && { undone }),
      },
      ...sinceOf(held),
      prove: () => proveImpairments(held, undone),
      heal,
    }
  },
}
export default fault
