import { z } from 'zod'
import { acquireEach, sinceOf, rollBack } from './_kit/acquire.ts'
import { verifyInstalled, nameOf, proveImpairments } from './_kit/link-fault.ts'
import type { Impairment } from '../model/link.ts'
import type { Fault } from '../model/fault.ts'
import type { Identity, Isolation, Node, NodeHarm } from '../model/runtime.ts'

const params = z.object({
  identity: z
    .enum(['same', 'new'])
    .default('new')
    .describe('Who comes back: the same node, or one with a new name and address'),
})

/** Above any window: it ends with the node's return. */
const expiryMarginMs = 60_000

/**
 * A machine that is gone: first no packet passes, then the process ends, so that no peer ever sees a FIN or an RST. A
 * plain SIGKILL is not that: there the kernel lives on and tells every peer at once.
 */
const fault: Fault<z.output<typeof params>> = {
  name: 'node-loss',
  summary: 'cut a node off without a word, kill it, and start another after the window',
  acts: 'node',
  needs: ['isolate', 'kill'],
  proof:
    'the cut was read back and at least one packet met it, and the operating system says that the process ended by SIGKILL',
  params,
  impact: 'end',
  arm: async (site, { identity }, signal) => {
    if (site.nodes.length === 0) throw new Error('there is no node to lose')
    const cut: Isolation = { name: nameOf(site), from: 'all', expiresMs: site.windowMs + expiryMarginMs }
    const { held, undone, heal } = await acquireEach(
      site.nodes,
      (node) => lose(node, identity, cut),
      () => {},
      signal,
    )
    return {
      evidence: {
        ...Object.fromEntries(held.map(({ label, evidence }) => [label, evidence])),
        ...(undone.length > 0 && { undone }),
      },
      ...sinceOf(held),
      prove: () => proveImpairments(held, undone),
      heal,
    }
  },
}
export default fault

/** Whatever fails on the way, the node is neither cut off nor down afterwards. */
async function lose(node: Node, identity: Identity, { name, ...rest }: Isolation) {
  if (!node.isolate) throw new Error(`nothing stands between ${node.name} and the others`)
  if (node.pid === undefined) throw new Error(`${node.name} was not running`)
  const cut = { name: node.name, label: `${node.name} ${name}`, ...(await node.isolate({ name, ...rest })) }
  let harm: NodeHarm | undefined
  // The network comes back before the node does: it could not become ready without.
  const heal = (): Promise<void> => cut.heal().finally(() => harm?.heal())
  try {
    await verifyInstalled(cut)
    harm = await node.kill(identity)
    if (harm.evidence['signal'] !== 'SIGKILL') throw new Error(`nothing proves that ${node.name} was killed`)
    const beside = `${node.name} was killed, and nothing was seen to meet the cut before it`
    return {
      ...cut,
      label: node.name,
      beside,
      firings: () => countMet(cut),
      evidence: { ...cut.evidence, ...harm.evidence },
      heal,
    }
  } catch (error) {
    return rollBack(heal, error)
  }
}

/** Packets that met the cut, including the ends of the killed node's own connections: no peer received those. */
async function countMet(cut: Impairment): Promise<number | undefined> {
  const [packets, counts] = await Promise.all([cut.firings(), cut.counts?.()])
  return packets === undefined ? undefined : packets + Number(counts?.['endsSwallowed'] ?? 0)
}
