import type { ZodType } from 'zod'
import { acquireAll, healAll, sinceOf } from './acquire.ts'
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
    ...sinceOf(struck),
    prove: async () => {
      const replaced = struck.filter(({ node, pid }) => spec.bound && node.pid !== pid).map(({ node }) => node.name)
      if (replaced.length > 0) return { state: 'lost', evidence: { replaced } }
      const felt = await Promise.all(struck.map(askFelt))
      const firings = felt.reduce((sum, { times }) => sum + times, 0)
      const seen = Object.fromEntries(struck.map(({ node }, i) => [node.name, felt[i]!.evidence]))
      return { state: firings > 0 ? 'proven' : 'unexercised', firings, evidence: seen }
    },
    heal: () => healAll(struck),
  }
}

/** A harm that is done and over was felt once; one that lasts tells itself. */
async function askFelt(one: Struck): Promise<{ readonly times: number; readonly evidence: Evidence }> {
  return one.felt ? one.felt() : { times: 1, evidence: one.evidence }
}

async function strikeNode<P>(spec: NodeFaultSpec<P>, node: Node, params: P): Promise<Struck> {
  const { pid } = node
  if (pid === undefined) throw new Error(`${node.name} was not running`)
  const harm = await spec.harm(node, params)
  const { evidence, felt, sinceMs } = harm
  return {
    node,
    pid,
    evidence,
    ...(sinceMs !== undefined && { sinceMs }),
    ...(felt && { felt: () => felt.call(harm) }),
    heal: () => harm.heal(),
  }
}

function mustShow<P>(spec: NodeFaultSpec<P>, { node, evidence }: Struck): void {
  if (spec.shows(evidence)) return
  throw new Error(
    `nothing proves "${spec.name}" of ${node.name}: the operating system says ${JSON.stringify(evidence)}`,
  )
}
