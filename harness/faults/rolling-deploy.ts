import { z } from 'zod'
import { healAll, rollBack } from './_kit/acquire.ts'
import { describeError } from '../core/errors.ts'
import { longestMs } from '../core/limits.ts'
import { type Part, proofOfParts } from './_kit/proof.ts'
import type { Fault, FaultSite, Proof } from '../model/fault.ts'
import type { Node, NodeHarm } from '../model/runtime.ts'
import { sleep } from '../../patterns/contract/types/timer.ts'

const params = z.object({
  graceMs: z
    .number()
    .min(0)
    .max(longestMs)
    .default(30_000)
    .describe('How long each node may take to drain before it is killed'),
  gapMs: z.number().min(0).max(longestMs).default(10_000).describe('Between a node that is ready again and the next'),
  identity: z
    .enum(['same', 'new'])
    .default('new')
    .describe('Who comes back: the same node, or one with a new name and address'),
})
type Params = z.output<typeof params>

/**
 * Node after node is stopped with a grace and replaced, as a deployment does. It has its own length: healing waits for the
 * node under way and rolls no further. The evidence says who drained and who overran the grace.
 */
const fault: Fault<Params> = {
  name: 'rolling-deploy',
  summary: 'stop the nodes of a role one after the other with a grace, each replaced before the next',
  acts: 'node',
  needs: ['stop'],
  proof: 'the operating system says how each node ended, and each was replaced within the window',
  together: true,
  ownLength: true,
  params,
  impact: 'end',
  arm: async (site, given, signal) => {
    signal.throwIfAborted()
    if (site.nodes.length === 0) throw new Error('there is no node to deploy')
    const rolling = startRoll(site, given)
    try {
      await rolling.began
      signal.throwIfAborted()
    } catch (error) {
      return rollBack(rolling.stop, error)
    }
    return {
      evidence: { order: site.nodes.map(({ name }) => name) },
      prove: async () => proofOf(site, rolling),
      heal: rolling.stop,
    }
  },
}
export default fault

interface Roll {
  /** Nodes that were stopped. */
  readonly stopped: ReadonlySet<string>
  /** Nodes that came back, with what the operating system said of their end. */
  readonly done: ReadonlyMap<string, NodeHarm['evidence']>
  /** The first node is down; rejects when that fails. */
  readonly began: Promise<void>
  failure(): string | undefined
  stop(): Promise<void>
}

function startRoll({ nodes }: FaultSite, given: Params): Roll {
  const end = new AbortController()
  const done = new Map<string, NodeHarm['evidence']>()
  const began = Promise.withResolvers<void>()
  const harms: NodeHarm[] = []
  const stopped = new Set<string>()
  const stopOne = async (node: Node): Promise<NodeHarm> => {
    const harm = await node.stop(given.graceMs, given.identity)
    harms.push(harm)
    mustShow(node, harm)
    stopped.add(node.name)
    began.resolve()
    return harm
  }
  const replaceOne = async (node: Node): Promise<void> => {
    const harm = await stopOne(node)
    await harm.heal()
    done.set(node.name, harm.evidence)
  }
  let failure: string | undefined
  const rolling = roll(nodes, given.gapMs, replaceOne, end.signal).catch((error: unknown) => {
    if (!end.signal.aborted) failure = describeError(error)
    began.reject(error)
  })
  const stop = async (): Promise<void> => {
    end.abort()
    await rolling
    // Whatever ended the roll, no node stays down, or it is said.
    await healAll(harms)
  }
  return { stopped, done, began: began.promise, failure: () => failure, stop }
}

async function roll(
  nodes: readonly Node[],
  gapMs: number,
  replaceOne: (node: Node) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  for (const node of nodes) {
    signal.throwIfAborted()
    await replaceOne(node)
    await sleep(gapMs, signal)
  }
}

function mustShow({ name }: Node, { evidence }: NodeHarm): void {
  if (typeof evidence['signal'] === 'string' || typeof evidence['code'] === 'number') return
  throw new Error(`nothing proves that ${name} was stopped: the operating system says ${JSON.stringify(evidence)}`)
}

/** All were replaced: else the window was too short, or a node did not come back. */
function proofOf({ nodes }: FaultSite, roll: Roll): Proof {
  const { done } = roll
  const failed = roll.failure()
  const notReplaced = nodes.map(({ name }) => name).filter((name) => !done.has(name))
  const evidence = {
    rolled: Object.fromEntries(done),
    ...(notReplaced.length > 0 && { notReplaced }),
    ...(failed !== undefined && { failure: failed }),
  }
  return { ...proofOfParts(nodes.map(({ name }) => partOf(name, roll))), firings: done.size, evidence }
}

function partOf(name: string, { stopped, done, failure }: Roll): Part {
  if (done.has(name)) return { name, state: 'felt' }
  const why = `${name} was not replaced: ${failure() ?? 'the window ended before'}`
  return { name, state: stopped.has(name) ? 'half' : 'undone', why }
}
