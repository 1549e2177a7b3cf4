import type { EdgeLimits, FilterSpec, Impairment, Link, ToxicSpec } from '../../../harness/model/link.ts'
import type { FaultSite } from '../../../harness/model/fault.ts'
import type { Isolation, Node, NodeHarm } from '../../../harness/model/runtime.ts'

export interface FakeNode extends Node {
  pid: number | undefined
  readonly healed: string[]
  /** Everything that was done to it, in order. */
  readonly log: string[]
  /** Cuts that are in force now. */
  readonly cuts: Map<string, Isolation>
  /** Packets that met a cut. */
  firings: number | undefined
}

/** How an actuator can be broken: it acknowledges and does nothing, or it fails with these words. */
interface Broken {
  readonly ignores?: boolean
  readonly fails?: string
}

/** A node whose operating system says `evidence` about any harm; `{}` is a stubbed actuator. */
export function fakeNode(
  name: string,
  evidence: NodeHarm['evidence'],
  pid: number | undefined = 100,
  broken: Broken = {},
): FakeNode {
  const log: string[] = []
  const healed: string[] = []
  const heal = async (): Promise<void> => {
    healed.push(name)
    log.push('up')
  }
  const harm = (what: string) => async (): Promise<NodeHarm> => {
    log.push(what)
    return { evidence, heal }
  }
  const node: FakeNode = {
    name,
    role: 'worker',
    ordinal: 0,
    url: 'http://x',
    pid,
    healed,
    log,
    cuts: new Map(),
    firings: 0,
    kill: harm('kill'),
    stop: harm('stop'),
    pause: harm('pause'),
    crash: async () => {
      log.push('crash')
      return evidence
    },
    isolate: async (cut) => {
      log.push('cut')
      return impairment(
        node.cuts,
        cut,
        broken,
        () => node.firings,
        () => log.push('joined'),
      )
    },
    block: harm('block'),
    limitCpu: harm('limit'),
    exhaustMemory: harm('exhaust'),
  }
  return node
}

type Mark = ToxicSpec | FilterSpec | EdgeLimits

export interface FakeLink extends Link {
  /** Toxics, rules and limits that are on it now. */
  readonly marks: Map<string, Mark>
  firings: number | undefined
}

/** A link that remembers what is done to it, by proxy, packet filter or load balancer. */
export function fakeLink(name: string, broken: Broken = {}): FakeLink {
  const begin = async (mark: Mark): Promise<Impairment> => impairment(link.marks, mark, broken, () => link.firings)
  const link: FakeLink = {
    name,
    kind: 'client->api',
    ordinal: 0,
    url: 'http://x',
    marks: new Map(),
    firings: 0,
    impair: begin,
    filter: begin,
    limit: begin,
  }
  return link
}

function impairment<M extends { readonly name: string }>(
  marks: Map<string, M>,
  mark: M,
  { ignores = false, fails = '' }: Broken,
  firings: () => number | undefined,
  healed: () => void = () => {},
): Impairment {
  if (fails) throw new Error(fails)
  if (!ignores) marks.set(mark.name, mark)
  return {
    firings: async () => firings(),
    listed: async () => marks.has(mark.name),
    heal: async () => {
      marks.delete(mark.name)
      healed()
    },
  }
}

export function siteOf(nodes: readonly Node[], links: readonly Link[] = []): FaultSite {
  return { id: 'it-1#1', seed: 7, windowMs: 1000, nodes, links }
}
export const never = new AbortController().signal
