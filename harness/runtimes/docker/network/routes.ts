import { HarnessError } from '../../../core/errors.ts'
import type { Isolation } from '../../../model/runtime.ts'
import type { Planned, PlannedLink } from '../../../model/topology.ts'
import type { Listener } from './edge.ts'
import type { Cut } from './filter.ts'
import type { MarkedLink } from './ruleset.ts'

export interface RoutedLink extends PlannedLink {
  readonly marked: MarkedLink
  /** `host:port` that the router dials. */
  readonly upstream: string
  /** Set where a load balancer is in between. */
  readonly listener?: Listener
}

/** A cell's links, and the table in which the packet filter knows them. */
export interface Routes {
  readonly table: string
  readonly links: readonly RoutedLink[]
}

/** Virtual addresses of the links that lead to a node. */
export function virtualsOf({ links }: Pick<Routes, 'links'>, node: string): readonly string[] {
  return links.flatMap(({ to, marked }) => ('node' in to && to.node === node ? marked.virtual : []))
}

/** Virtual addresses are the packet filter's work: without it a link leads to the one address that its node has. */
export function withoutFilter(link: RoutedLink): RoutedLink {
  const { marked, upstream, listener } = link
  const direct = (address: string): string => address.replace(marked.virtual, marked.target)
  return {
    ...link,
    upstream: direct(upstream),
    ...(listener && { listener: { ...listener, upstream: direct(listener.upstream) } }),
  }
}

/** Throws where a node would have to be followed to another address. */
export function mustStay({ links }: Pick<Routes, 'links'>, node: string, address: string, lacking: string): void {
  const moved = links.some(({ to, marked }) => 'node' in to && to.node === node && marked.target !== address)
  if (moved) throw new HarnessError(`no link can follow ${node} to another address: ${lacking}`)
}

/** Connections that are dialled from now on go to this address. */
export function arrival(routes: Routes, node: string, address: string): string {
  const table = `inet ${routes.table}`
  const lines = virtualsOf(routes, node).flatMap((virtual) => [
    `delete element ${table} virtual_target { ${virtual} }`,
    `add element ${table} virtual_target { ${virtual} : ${address} }`,
    // Added first, so that there is one to delete.
    `add element ${table} down { ${virtual} }`,
    `delete element ${table} down { ${virtual} }`,
  ])
  return lines.join('\n')
}

/** Connections that are dialled from now on are refused, as those to a service without endpoints are. */
export function departure(routes: Routes, node: string): string {
  return virtualsOf(routes, node)
    .map((virtual) => `add element inet ${routes.table} down { ${virtual} }`)
    .join('\n')
}

/** What a cut concerns: the links over which the node dials the other role, and those over which that role dials it. */
export function cutOf(
  { links, nodes }: Routes & { readonly nodes: readonly Planned[] },
  name: string,
  { from }: Isolation,
): Cut {
  const { role } = nodes.find((node) => node.name === name)!
  const marked = (wanted: (link: RoutedLink) => boolean) => links.filter(wanted).map((link) => link.marked)
  // On both ways through the router: who dials the node must not be answered by the proxy.
  const leads = ({ to }: RoutedLink): boolean => 'node' in to && to.node === name
  if (from === 'all') return { dialled: 'all', whole: marked(leads) }
  return {
    dialled: marked(({ kind }) => kind === `${role}->${from}`).map(({ mark }) => mark),
    whole: marked((link) => link.kind === `${from}->${role}` && leads(link)),
  }
}
