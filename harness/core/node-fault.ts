import type { ZodType } from 'zod'
import { acquireAll, healAll } from './acquire.ts'
import type { ActiveFault, Capability, Fault, FaultSite, Node, NodeHarm } from './types.ts'

type Evidence = NodeHarm['evidence']

/** What differs between faults that harm nodes. */
export interface NodeFaultSpec<P> {
  readonly name: string
  readonly summary: string
  readonly needs: readonly Capability[]
  readonly params: ZodType<P>
  harm(node: Node, params: P): Promise<NodeHarm>
  /** Whether the operating system's words prove the harm; without that proof the fault was not applied. */
  shows(evidence: Evidence): boolean
  /** The harm lasts only while the process lives: another process at the end of the window means `lost`. */
  readonly bound: boolean
}

interface Struck extends NodeHarm {
  readonly node: Node
  readonly pid: number
}

/** A fault that harms nodes, proven by what the operating system says about their processes. */
export function nodeFault<P>(spec: NodeFaultSpec<P>): Fault<P> {
  const { name, summary, needs, params } = spec
  return { name, summary, acts: 'node', needs, params, arm: (site, given, signal) => arm(spec, site, given, signal) }
}

async function arm<P>(spec: NodeFaultSpec<P>, site: FaultSite, params: P, signal: AbortSignal): Promise<ActiveFault> {
  if (site.nodes.length === 0) throw new Error('there is no node to harm')
  const strike = (node: Node): Promise<Struck> => strikeNode(spec, node, params)
  const struck = await acquireAll(site.nodes, strike, (one) => mustShow(spec, one), signal)
  const evidence = Object.fromEntries(struck.map(({ node, evidence }) => [node.name, evidence]))
  return {
    evidence,
    prove: async () => {
      const replaced = struck.filter(({ node, pid }) => spec.bound && node.pid !== pid).map(({ node }) => node.name)
      if (replaced.length > 0) return { state: 'lost', evidence: { replaced } }
      return { state: 'proven', firings: struck.length, evidence }
    },
    heal: () => healAll(struck),
  }
}

async function strikeNode<P>(spec: NodeFaultSpec<P>, node: Node, params: P): Promise<Struck> {
  const { pid } = node
  if (pid === undefined) throw new Error(`${node.name} was not running`)
  const harm = await spec.harm(node, params)
  return { node, pid, evidence: harm.evidence, heal: () => harm.heal() }
}

function mustShow<P>(spec: NodeFaultSpec<P>, { node, evidence }: Struck): void {
  if (spec.shows(evidence)) return
  throw new Error(
    `nothing proves "${spec.name}" of ${node.name}: the operating system says ${JSON.stringify(evidence)}`,
  )
}
