import type { FaultSite, Impairment, Link, Node, NodeHarm, ToxicSpec } from '../../../harness/core/types.ts'

export interface FakeNode extends Node {
  pid: number | undefined
  readonly healed: string[]
}

/** A node whose operating system says `evidence` about any harm; `{}` is a stubbed actuator. */
export function fakeNode(name: string, evidence: NodeHarm['evidence'], pid: number | undefined = 100): FakeNode {
  const healed: string[] = []
  const harm = async (): Promise<NodeHarm> => ({ evidence, heal: async () => void healed.push(name) })
  return { name, role: 'worker', ordinal: 0, url: 'http://x', pid, healed, kill: harm, stop: harm, pause: harm }
}

export interface FakeLink extends Link {
  /** Toxics that are on it now. */
  readonly toxics: Map<string, ToxicSpec>
  firings: number | undefined
}

/** A link that remembers its toxics. `ignores`: acknowledges and does nothing, as a stubbed actuator would. */
export function fakeLink(
  name: string,
  { ignores = false, fails = '' }: { ignores?: boolean; fails?: string } = {},
): FakeLink {
  const toxics = new Map<string, ToxicSpec>()
  const link: FakeLink = {
    name,
    kind: 'client->api',
    ordinal: 0,
    url: 'http://x',
    toxics,
    firings: 0,
    impair: async (toxic): Promise<Impairment> => {
      if (fails) throw new Error(fails)
      if (!ignores) toxics.set(toxic.name, toxic)
      return {
        firings: async () => link.firings,
        listed: async () => toxics.has(toxic.name),
        heal: async () => void toxics.delete(toxic.name),
      }
    },
  }
  return link
}

export function siteOf(nodes: readonly Node[], links: readonly Link[] = []): FaultSite {
  return { id: 'it-1#1', seed: 1, nodes, links }
}
export const never = new AbortController().signal
