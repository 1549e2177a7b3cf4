import { HarnessError } from '../../../core/errors.ts'
import type { Impairment, Link } from '../../../model/link.ts'
import type { Isolation } from '../../../model/types.ts'
import { type Links, openLinks } from '../../../links/toxiproxy.ts'
import type { OnLost } from '../../../os/heed.ts'
import { type Planned, straightLink } from '../../_shared/topology.ts'
import { waitUntilReady } from '../../../os/readiness.ts'
import { type Box, type BoxSpec, startHelper } from '../containers/container.ts'
import { type Edge, edgeFiles, openEdge } from './edge.ts'
import { isolateNode } from './filter.ts'
import { assembleLink } from './link.ts'
import { openPackets, type Packets } from './packets.ts'
import { openShell, type Shell } from '../containers/shell.ts'
import { endingDials, endDials } from './sockets.ts'
import {
  arrival,
  type CrossedLink,
  crossingOf,
  departure,
  mustStay,
  type Routes,
  virtualsOf,
  withoutFilter,
} from './routes.ts'
import { baseRuleset } from './ruleset.ts'

/**
 * The one place that every connection of a cell passes: a namespace of its own with a packet filter, a real Toxiproxy and,
 * where asked for, a load balancer. No node has any part of a fault in its own namespace, so that a fault survives the
 * restart of whom it hits.
 */
export interface Crossing extends AsyncDisposable {
  readonly links: readonly Link[]
  arrived(node: string, address: string): Promise<void>
  departed(node: string): Promise<void>
  isolate(node: string, address: string, cut: Isolation): Promise<Impairment>
}

export interface CrossingRequest extends Routes {
  readonly address: string
  readonly nodes: readonly Planned[]
  /** Containers, not yet started: the one whose namespace it is, and those that join it. */
  readonly router: BoxSpec
  readonly toxiproxy: (router: string) => BoxSpec
  /** One of them ended before its time. */
  readonly onLost?: OnLost | undefined
  /** Undefined: no load balancer. */
  readonly edge: ((router: string) => BoxSpec) | undefined
}

const apiPort = 8474

export async function openCrossing(request: CrossingRequest, signal: AbortSignal): Promise<Crossing> {
  await using stack = new AsyncDisposableStack()
  const router = stack.use(await startHelper(request.router, request.onLost))
  const shell = await openShell(router.container)
  const marked = request.links.map((link) => link.marked)
  const packets = await openPackets(shell, request.table, baseRuleset(request.table, marked))
  const planned = packets.lacking === undefined ? request.links : request.links.map(withoutFilter)
  const [proxies, edge] = await Promise.all([
    startProxies(request, router, stack, signal),
    startEdge({ ...request, links: planned }, router, stack),
  ])
  const links = await Promise.all(planned.map((link) => openLink(link, request, { proxies, packets, shell, edge })))
  const owned = stack.move()
  return {
    links,
    arrived: async (node, address) => {
      if (packets.lacking !== undefined) return mustStay(request, node, address, packets.lacking)
      await packets.run(arrival(request, node, address))
      await endDials(shell, virtualsOf(request, node))
    },
    departed: async (node) => {
      if (packets.lacking !== undefined) return
      await packets.run(departure(request, node))
      await endDials(shell, virtualsOf(request, node))
    },
    isolate: async (name, address, cut) => {
      const cutOff = await isolateNode(packets, request.address, { name, address }, crossingOf(request, name, cut), cut)
      return endingDials(cutOff, shell, virtualsOf(request, name))
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** No crossing at all: links lead straight to what they dial. */
export function openStraight({ links }: Routes): Crossing {
  const refuse = async (): Promise<never> => {
    throw new HarnessError('links lead straight to nodes: nothing stands where one could be cut off')
  }
  return {
    links: links.map((link) => straightLink(link, withoutFilter(link).upstream)),
    arrived: async (node, address) => mustStay({ links }, node, address, 'links lead straight to it'),
    departed: async () => {},
    isolate: refuse,
    [Symbol.asyncDispose]: async () => {},
  }
}

async function startProxies(
  { address, toxiproxy, onLost }: CrossingRequest,
  router: Box,
  stack: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<Links> {
  stack.use(await startHelper(toxiproxy(router.container.id), onLost))
  const url = `http://${address}:${apiPort}`
  await waitUntilReady({ http: `${url}/version` }, signal)
  return openLinks(url)
}

async function startEdge(
  { edge, links, onLost }: CrossingRequest,
  router: Box,
  stack: AsyncDisposableStack,
): Promise<Edge | undefined> {
  if (!edge) return undefined
  const doors = links.flatMap(({ door }) => door ?? [])
  const box = stack.use(await startHelper({ ...edge(router.container.id), files: edgeFiles(doors) }, onLost))
  return openEdge(box, doors)
}

interface LinkSurroundings {
  readonly proxies: Links
  readonly packets: Packets
  readonly shell: Shell
  readonly edge: Edge | undefined
}

async function openLink(link: CrossedLink, { address }: CrossingRequest, at: LinkSurroundings): Promise<Link> {
  const { name, kind, ordinal, marked, door } = link
  const { proxies, packets, shell, edge } = at
  const upstream = door ? `127.0.0.1:${door.port}` : link.upstream
  const proxied = await proxies.create({ name, kind, ordinal, upstream, listen: `0.0.0.0:${marked.port}` })
  const parts = { proxied, marked, packets, shell, host: address }
  return assembleLink({ ...parts, ...(edge && door && { edge: { edge, door } }) })
}
