import type { FilterSpec, Impairment, Expiry, Link, ToxicSpec } from '../../../model/link.ts'
import type { Listener, Edge } from './edge.ts'
import { filterLink } from './filter.ts'
import type { Packets } from './packets.ts'
import type { MarkedLink } from './ruleset.ts'
import type { Shell } from '../containers/shell.ts'
import { onlyOnce } from '../../../core/async.ts'
import { drawUniform } from '../../../core/rng.ts'

/** What a link of this runtime is made of. */
export interface LinkParts {
  /** The proxy's part. */
  readonly proxied: Link
  readonly marked: MarkedLink
  readonly packets: Packets
  readonly shell: Shell
  readonly host: string
  readonly edge?: { readonly edge: Edge; readonly listener: Listener }
}

/** A link with all three planes: toxics in a real Toxiproxy, rules of the packet filter, limits of the load balancer. */
export function assembleLink(parts: LinkParts): Link {
  const { proxied, marked, packets, host, edge: front } = parts
  const filter = async (spec: FilterSpec): Promise<Impairment> =>
    endingDials(await filterLink({ packets, host }, marked, spec), parts.shell, [marked.virtual])
  return {
    ...proxied,
    impair: (toxic, expiry) => {
      const rule = ruleFor(toxic, expiry)
      return rule ? filter(rule) : addToxic(parts, toxic, expiry)
    },
    filter,
    ...(front && { limit: (limits) => front.edge.limit(front.listener, proxied.url, limits) }),
  }
}

/** By packets: Toxiproxy's `timeout` acknowledges what a firewall drops; disabling a proxy closes connections. */
function ruleFor(
  { name, type, stream, toxicity: probability, attributes }: ToxicSpec,
  expiry: Expiry,
): FilterSpec | undefined {
  const common = { name, probability, ...expiry }
  if (type === 'stall')
    return { ...common, action: 'drop', direction: stream === 'upstream' ? 'request' : 'response', connections: 'all' }
  if (type === 'refuse')
    return {
      ...common,
      action: 'reset',
      direction: 'both',
      connections: attributes['existing'] === 'reset' ? 'all' : 'new',
    }
  return undefined
}

/**
 * A toxic, and what a real server lacks. It counts nothing, so the kernel counts the packets that pass it. Its
 * `reset_peer` does nothing to a connection that is open and silent, so the kernel resets those.
 */
async function addToxic(parts: LinkParts, toxic: ToxicSpec, expiry: Expiry): Promise<Impairment> {
  const { proxied, marked, packets } = parts
  const resets = toxic.type === 'reset_peer'
  const counter = resets ? `reset_${marked.mark}` : `${toxic.stream === 'upstream' ? 'up' : 'down'}_${marked.mark}`
  const count = async (name: string): Promise<number> => (await packets.read()).counters.get(name) ?? 0
  const asked = `up_${marked.mark}`
  const [before, askedBefore] = [await count(counter), await count(asked)]
  const impairment = await proxied.impair(toxic, expiry)
  const draws = toxic.toxicity < 1 ? 'by the server, which takes no seed' : 'none'
  const evidence = await resetOpen(parts, toxic, expiry).catch(async (error: unknown) => {
    await impairment.heal()
    throw error
  })
  return {
    ...impairment,
    evidence: { draws, ...evidence },
    // Which connections a share fell on, only the server knows; a reset is seen in its packets.
    firings: async () => {
      if (toxic.toxicity < 1 && !resets) return undefined
      // A reset of pooled connections hits no client: a client must have asked for something in the window.
      const isAtWork = !resets || (await count(asked)) > askedBefore
      return isAtWork ? (await count(counter)) - before : 0
    },
  }
}

async function resetOpen({ shell, marked }: LinkParts, toxic: ToxicSpec, expiry: Expiry): Promise<object> {
  if (toxic.type !== 'reset_peer' || toxic.attributes['timeout'] !== 0) return {}
  return { resetAtOnce: await resetEstablished(shell, marked.port, toxic.toxicity, expiry.seed) }
}

/**
 * Have the kernel give up connections that are being opened to these addresses and are not answered. Toxiproxy opens
 * one connection of a link after the other and waits for each as long as the kernel does, two minutes. One that a dead
 * node never answers would keep out all later ones, when the node is long back.
 */
export async function endDials(shell: Shell, addresses: readonly string[]): Promise<void> {
  if (addresses.length === 0) return
  const any = addresses.map((address) => `dst = ${address}`).join(' or ')
  await shell.run(`ss -K state syn-sent '( ${any} )'`)
}

/** What is healed lets nobody wait for an answer to what was sent before. */
export function endingDials(impairment: Impairment, shell: Shell, addresses: readonly string[]): Impairment {
  const heal = onlyOnce(async () => {
    await impairment.heal()
    await endDials(shell, addresses)
  })
  return { ...impairment, heal }
}

/** Reset a share, by the seed, of established connections to `port`; their number. Needs CONFIG_INET_DIAG_DESTROY. */
async function resetEstablished(shell: Shell, port: number, share: number, seed: number): Promise<number> {
  const listing = await shell.run(`ss -Htn state established '( sport = :${port} )'`)
  const peers = listing.split('\n').flatMap((line) => /:(\d+)\s*$/.exec(line.trim())?.[1] ?? [])
  const drawn = peers.filter((peer) => drawUniform(seed, 'reset', port, peer) < share)
  if (drawn.length === 0) return 0
  const any = drawn.map((peer) => `dport = :${peer}`).join(' or ')
  await shell.run(`ss -K state established '( sport = :${port} ) and ( ${any} )'`)
  return drawn.length
}
