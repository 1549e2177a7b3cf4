import { HarnessError } from '../../../core/errors.ts'
import type { Impairment, Link } from '../../../model/link.ts'
import type { Isolation } from '../../../model/runtime.ts'
import { type Links, openLinks } from '../../../links/toxiproxy.ts'
import type { OnLost } from '../../../os/child.ts'
import type { Planned } from '../../../model/topology.ts'
import { straightLink } from '../../_shared/deployment.ts'
import { waitUntilReady } from '../../../os/readiness.ts'
import type { ContainerSpec } from '../containers/configured-container.ts'
import { type Container, startHelper } from '../containers/container.ts'
import { type Edge, edgeFiles, openEdge } from './edge.ts'
import { isolateNode } from './filter.ts'
import { assembleLink, endingDials, endDials } from './link.ts'
import { openPackets, type Packets } from './packets.ts'
import { openShell, type Shell } from '../containers/shell.ts'
import {
  arrival,
  type RoutedLink,
  cutOf,
  departure,
  mustStay,
  type Routes,
  virtualsOf,
  withoutFilter,
} from './routes.ts'
import { baseRuleset, type MarkedLink } from './ruleset.ts'

/**
 * The one place that every connection of a cell passes. It is a namespace of its own with a packet filter, a real
 * Toxiproxy and, where asked for, a load balancer. No node has any part of a fault in its own namespace, so that a
 * fault survives the restart of whom it hits.
 */
export interface Router extends AsyncDisposable {
  readonly links: readonly Link[]
  arrived(node: string, address: string): Promise<void>
  departed(node: string): Promise<void>
  isolate(node: string, address: string, cut: Isolation): Promise<Impairment>
}

export interface RouterRequest extends Routes {
  readonly address: string
  readonly nodes: readonly Planned[]
  /** Containers, not yet started: the one whose namespace it is, and those that join it. */
  readonly router: ContainerSpec
  readonly toxiproxy: (router: string) => ContainerSpec
  /** One of them ended before its time. */
  readonly onLost?: OnLost | undefined
  /** Undefined: no load balancer. */
  readonly edge: ((router: string) => ContainerSpec) | undefined
}

const apiPort = 8474

export async function openRouter(request: RouterRequest, signal: AbortSignal): Promise<Router> {
  await using stack = new AsyncDisposableStack()
  const router = stack.use(await startHelper(request.router, request.onLost))
  const shell = await openShell(router.handle)
  const marked = request.links.map((link) => link.marked)
  await addAliases(shell, marked)
  const packets = await openPackets(shell, request.table, baseRuleset(request.table, marked))
  const named = packets.lacking === undefined ? undefined : marked.find(({ alias }) => alias)
  if (named) throw new HarnessError(`services cannot be found under their names: ${packets.lacking}`)
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
      const site = { packets, host: request.address }
      const cutOff = await isolateNode(site, { name, address }, cutOf(request, name, cut), cut)
      return endingDials(cutOff, shell, virtualsOf(request, name))
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** Addresses of the router's at which links answer under the ports of what they lead to. */
async function addAliases(shell: Shell, links: readonly MarkedLink[]): Promise<void> {
  const lines = links.flatMap(({ alias }) => (alias ? `address add ${alias.address}/32 dev eth0` : []))
  if (lines.length > 0) await shell.run('ip -batch -', lines.join('\n'))
}

/** No router at all: links lead straight to what they dial. */
export function openStraight({ links }: Routes): Router {
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
  { address, toxiproxy, onLost }: RouterRequest,
  router: Container,
  stack: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<Links> {
  stack.use(await startHelper(toxiproxy(router.handle.id), onLost))
  const url = `http://${address}:${apiPort}`
  await waitUntilReady({ http: `${url}/version` }, signal)
  return openLinks(url)
}

async function startEdge(
  { edge, links, onLost }: RouterRequest,
  router: Container,
  stack: AsyncDisposableStack,
): Promise<Edge | undefined> {
  if (!edge) return undefined
  const listeners = links.flatMap(({ listener }) => listener ?? [])
  const container = stack.use(await startHelper({ ...edge(router.handle.id), files: edgeFiles(listeners) }, onLost))
  return openEdge(container, listeners)
}

interface LinkSurroundings {
  readonly proxies: Links
  readonly packets: Packets
  readonly shell: Shell
  readonly edge: Edge | undefined
}

async function openLink(link: RoutedLink, { address }: RouterRequest, at: LinkSurroundings): Promise<Link> {
  const { name, kind, ordinal, marked, listener } = link
  const { proxies, packets, shell, edge } = at
  const upstream = listener ? `127.0.0.1:${listener.port}` : link.upstream
  const proxied = await proxies.create({ name, kind, ordinal, upstream, listen: `0.0.0.0:${marked.port}` })
  const parts = { proxied, marked, packets, shell, host: address }
  return assembleLink({ ...parts, ...(edge && listener && { edge: { edge, listener } }) })
}
