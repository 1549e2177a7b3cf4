import type { ZodType } from 'zod'
import { acquireEach, type Acquired, sinceOf } from './acquire.ts'
import { type Part, proofOfParts, undoneParts } from './proof.ts'
import type { ActiveFault, Fault, FaultSite, Proof } from '../../model/fault.ts'
import type { Capability, Node, NodeHarm } from '../../model/runtime.ts'

type Evidence = NodeHarm['evidence']

/** What differs between faults that harm nodes. */
export interface NodeFaultSpec<P> {
  readonly name: string
  readonly summary: string
  readonly needs: readonly Capability[]
  readonly proof: string
  readonly params: ZodType<P>
  readonly impact: Fault<P>['impact']
  harm(node: Node, params: P, site: FaultSite): NodeHarm | Promise<NodeHarm>
  /** Whether the operating system's words prove the harm; without that proof the fault was not applied. */
  shows(evidence: Evidence): boolean
  /** The harm lasts only while the process lives: another process at the end of the window means `lost`. */
  readonly bound: boolean
}

interface NodeInjection extends NodeHarm {
  readonly node: Node
  /** Undefined of a node that runs where no process can be seen. */
  readonly pid: number | undefined
}

/** A fault that harms nodes, proven by what the operating system says about their processes. */
export function nodeFault<P>(spec: NodeFaultSpec<P>): Fault<P> {
  const { name, summary, needs, proof, params, impact } = spec
  return {
    name,
    summary,
    acts: 'node',
    needs,
    proof,
    params,
    impact,
    arm: (site, given, signal) => arm(spec, site, given, signal),
  }
}

async function arm<P>(spec: NodeFaultSpec<P>, site: FaultSite, params: P, signal: AbortSignal): Promise<ActiveFault> {
  if (site.nodes.length === 0) throw new Error('there is no node to harm')
  const inject = (node: Node): Promise<NodeInjection> => injectInto(node, async () => spec.harm(node, params, site))
  const acquired = await acquireEach(site.nodes, inject, (one) => mustShow(spec, one), signal)
  const { held, undone, heal } = acquired
  return {
    evidence: {
      ...Object.fromEntries(held.map(({ node, evidence }) => [node.name, evidence])),
      ...(undone.length > 0 && { undone }),
    },
    ...sinceOf(held),
    prove: () => prove(spec, acquired),
    heal,
  }
}

async function prove<P>({ bound, name }: NodeFaultSpec<P>, { held, undone }: Acquired<NodeInjection>): Promise<Proof> {
  const isReplaced = ({ node, pid }: NodeInjection): boolean => bound && node.pid !== pid
  const felt = await Promise.all(held.map(async (one) => (isReplaced(one) ? nothing : askFelt(one))))
  const parts = held.map((one, i): Part => {
    const { name: node } = one.node
    if (isReplaced(one))
      return { name: node, state: 'lost', why: `${node} is another process than the one that was harmed` }
    if (felt[i]!.times > 0) return { name: node, state: 'felt' }
    return { name: node, state: 'unfelt', why: `${node} did not feel "${name}"` }
  })
  const replaced = held.filter(isReplaced).map(({ node }) => node.name)
  const seen = held.flatMap((one, i) => (isReplaced(one) ? [] : [[one.node.name, felt[i]!.evidence]]))
  return {
    ...proofOfParts([...parts, ...undoneParts(undone)]),
    firings: felt.reduce((sum, { times }) => sum + times, 0),
    evidence: { ...Object.fromEntries(seen), ...(replaced.length > 0 && { replaced }) },
  }
}

const nothing = { times: 0, evidence: {} }

/** A harm that is done and over was felt once; one that lasts tells itself. */
async function askFelt(one: NodeInjection): Promise<{ readonly times: number; readonly evidence: Evidence }> {
  return one.felt ? one.felt() : { times: 1, evidence: one.evidence }
}

async function injectInto(node: Node, harmIt: () => Promise<NodeHarm>): Promise<NodeInjection> {
  const { pid, isRemote = false } = node
  if (pid === undefined && !isRemote) throw new Error(`${node.name} was not running`)
  const harm = await harmIt()
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

function mustShow<P>(spec: NodeFaultSpec<P>, { node, evidence }: NodeInjection): void {
  if (spec.shows(evidence)) return
  throw new Error(
    `nothing proves "${spec.name}" of ${node.name}: the operating system says ${JSON.stringify(evidence)}`,
  )
}
