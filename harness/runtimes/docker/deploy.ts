import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { type Planned, type PlannedLink, planLinks, planNodes } from '../../model/topology.ts'
import type { DeployRequest, Deployment, CellContext } from '../../model/runtime.ts'
import { openDeployment, startInOrder, addressBook, type Placed } from '../_shared/deployment.ts'
import { isEntry, loginTo, serverOf, serversOf } from '../_shared/servers.ts'
import type { NodeRole, Service } from '../../../patterns/contract/types/engine.ts'
import type { Volume } from '../../../servers/server.ts'
import type { ContainerSpec } from './containers/configured-container.ts'
import { ContainerNode } from './containers/node.ts'
import { describeProgram, portsOf } from './containers/program.ts'
import { type CellVolumes, createVolumes } from './containers/volumes.ts'
import { foreignImageId, type Images, referenceOf } from './images/resolve.ts'
import type { CellNetwork } from './network/cell-network.ts'
import { openRouter, openStraight, type Router, type RouterRequest } from './network/router.ts'
import type { RoutedLink } from './network/routes.ts'

/** A cell's place, and what is given to every container in it. */
export interface Site {
  readonly place: CellContext
  readonly network: CellNetwork
  /** Of every container's name: only what begins with it is ours. */
  readonly prefix: string
  readonly labels: Readonly<Record<string, string>>
  readonly images: Images
}

/** Where addresses of the cell's subnet are given away; the smallest pool of a daemon has 4096 of them. */
const routerAddress = 10
const firstNode = 256
const perGeneration = 256
const generations = 12
const firstVirtual = 3600
const firstPort = 21_000
const firstListener = 18_000

const mebibyte = 2 ** 20

interface Numbered extends Placed {
  readonly index: number
}

export async function deploy(site: Site, request: DeployRequest, signal: AbortSignal): Promise<Deployment> {
  await using stack = new AsyncDisposableStack()
  const password = randomBytes(24).toString('hex')
  const placed = planNodes(request).map((node, index) => placeNode(site, node, index))
  const routed = routeLinks(site, placed, request)
  await noteAll(site, placed, request)
  const foreign = await foreignReferences(request)
  const volumes = await makeVolumes(site, placed, stack)
  const wanted = routerRequest(site, placed, routed, request)
  const router = stack.use(request.direct ? openStraight(wanted) : await openRouter(wanted, signal))
  const store = placed.find(({ role }) => role === 'store')
  const login = store ? loginTo(store.service, password) : (address: string) => address
  const nodes = placed.map((node) =>
    makeNode(site, node, { placed, routed, foreign, volumes, router, request, password, login }),
  )
  await startInOrder(nodes, stack, signal)
  const access = store && { service: store.service, url: login(`${store.host}:${store.port}`) }
  return openDeployment({ nodes, links: router.links, folder: site.place.folder, store: access }, stack)
}

function placeNode({ network }: Site, node: Planned, index: number): Numbered {
  return { ...node, index, host: network.address(firstNode + index), ...portsOf(node.service) }
}

/**
 * Every link gets a mark, a port and a virtual address; where who dials it knows a name, an address for that too; where a load
 * balancer is asked for, each API node gets a listener.
 */
function routeLinks({ network }: Site, placed: readonly Numbered[], request: DeployRequest): readonly RoutedLink[] {
  const planned = planLinks(placed, request.outside)
  return planned.map((link, i) => {
    const virtual = network.address(firstVirtual + i)
    const { to } = link
    const [target, port] = 'outside' in to ? to.outside.split(':') : dialled(placed, to.node)
    const upstream = `${virtual}:${port}`
    const address = network.address(firstVirtual + planned.length + i)
    const alias = isNamed(placed, link) && { alias: { address, port: Number(port) } }
    const marked = { mark: i + 1, port: firstPort + i, virtual, target: target!, ...alias }
    const listener =
      request.edge && link.kind === 'client->api' ? { port: firstListener + link.ordinal, upstream } : undefined
    return { ...link, marked, upstream, ...(listener && { listener }) }
  })
}

/** Whether who dials this link looks for it under a name. */
function isNamed(placed: readonly Numbered[], { kind, to }: PlannedLink): boolean {
  const [from, role] = kind.split('->')
  return (
    'node' in to &&
    placed.some((node) => node.role === from && Object.values(namesOf(node.service)).includes(role as NodeRole))
  )
}

function namesOf(service: Service): Readonly<Record<string, NodeRole>> {
  return isEntry(service.program) ? {} : (serverOf(service).service.names ?? {})
}

function volumesOf(service: Service): readonly Volume[] {
  return isEntry(service.program) ? [] : (serverOf(service).service.volumes ?? [])
}

/** What a node finds under its names: a name of several replicas has several addresses, as under Compose. */
function hostsOf(
  { role, service }: Numbered,
  routed: readonly RoutedLink[],
  { direct }: DeployRequest,
): NonNullable<ContainerSpec['hosts']> {
  return Object.entries(namesOf(service)).flatMap(([host, dialled]) =>
    routed.flatMap(({ kind, marked: { alias, target } }) =>
      kind === `${role}->${dialled}` && alias ? [{ host, ipAddress: direct ? target : alias.address }] : [],
    ),
  )
}

function dialled(placed: readonly Numbered[], name: string): [string, string] {
  const { host, port } = placed.find((node) => node.name === name)!
  return [host, String(port)]
}

function routerRequest(
  site: Site,
  placed: readonly Numbered[],
  links: readonly RoutedLink[],
  request: DeployRequest,
): RouterRequest {
  const address = site.network.address(routerAddress)
  const helper = (
    name: string,
    image: string,
    mebibytes: number,
    more: Partial<ContainerSpec> = {},
  ): ContainerSpec => ({
    ...common(site, name, referenceOf(site.images, image)),
    network: { name: site.network.name, address },
    memoryBytes: mebibytes * mebibyte,
    cpus: 2,
    ...more,
  })
  return {
    address,
    table: `outlast_${site.prefix.replaceAll(/[^A-Za-z0-9]+/g, '_')}`,
    nodes: placed,
    links,
    router: helper('router', 'router', 64, { capabilities: ['NET_ADMIN'], writable: [] }),
    toxiproxy: (joins) =>
      helper('links', 'toxiproxy', 128, { network: { joins }, env: { LOG_LEVEL: 'info' }, writable: [] }),
    onLost: site.place.lost,
    edge: request.edge ? (joins) => helper('edge', 'nginx', 64, { network: { joins } }) : undefined,
  }
}

function common(
  { place, prefix, labels }: Site,
  name: string,
  image: string,
): Pick<ContainerSpec, 'image' | 'name' | 'labels' | 'logFile'> {
  const logFile = join(place.folder, 'logs', `${name}.log`)
  return { image, name: `${prefix}-${name}`, labels, logFile }
}

interface Surroundings {
  readonly placed: readonly Numbered[]
  readonly routed: readonly RoutedLink[]
  /** What containers of the user's images are started from, by the references in the scenario. */
  readonly foreign: ReadonlyMap<string, string>
  /** Of the cell, by their names there. */
  readonly volumes: CellVolumes
  readonly router: Router
  readonly request: DeployRequest
  readonly password: string
  readonly login: (address: string) => string
}

function makeNode(
  site: Site,
  node: Numbered,
  { placed, routed, foreign, volumes, router, request, password, login }: Surroundings,
): ContainerNode {
  const { name, role, ordinal, index, service, port } = node
  const urlOf = (link: string): string | undefined => router.links.find((one) => one.name === link)?.url
  const addresses = addressBook(node, placed, urlOf, login)
  const { restartDelayMs, onNodeEvent: onEvent } = request
  const hosts = hostsOf(node, routed, request)
  const mounts = volumes.mountsOf(volumesOf(service))
  const draw = randomBytes(9).toString('base64url')
  return new ContainerNode({
    name,
    role,
    ordinal,
    restartDelayMs,
    onEvent,
    router,
    note: (container) => site.place.note({ kind: 'container', name: container }),
    incarnation: (generation) => {
      const self = generation === 0 ? name : `${name}.${generation}`
      const address = site.network.address(firstNode + index + perGeneration * (generation % generations))
      const place = { name: self, start: `${draw}.${generation}`, host: address, addresses, password }
      const { image, ready, ...program } = describeProgram(service, place, request)
      const from = program.isForeign ? foreign.get(image)! : referenceOf(site.images, image)
      const network = { name: site.network.name, address }
      const own = { name: `${site.prefix}-${self}`, network, hosts, mounts }
      const container = { ...common(site, name, from), ...own, ...program }
      return { address, url: `http://${address}:${port}`, ready, container }
    },
  })
}

/** Ids: testcontainers takes their digits alone. */
async function foreignReferences({ services }: DeployRequest): Promise<ReadonlyMap<string, string>> {
  const pins = serversOf(services).flatMap(({ isForeign, image }) => (isForeign ? image!.pin! : []))
  const found = pins.map(async (pin) => [pin, ((await foreignImageId(pin)) ?? pin).replace('sha256:', '')] as const)
  return new Map(await Promise.all(found))
}

/** Those of all nodes, each once. They are gone after the last container that has them. */
async function makeVolumes(
  { place, prefix, labels, images }: Site,
  placed: readonly Numbered[],
  stack: AsyncDisposableStack,
): Promise<CellVolumes> {
  const wanted = placed.flatMap(({ service }) => volumesOf(service))
  const journal = (name: string): Promise<void> => place.note({ kind: 'volume', name })
  return stack.use(await createVolumes(wanted, { prefix, labels, image: referenceOf(images, 'router'), journal }))
}

/** A node that comes back with a new identity is written down then. */
async function noteAll({ place, prefix }: Site, placed: readonly Planned[], request: DeployRequest): Promise<void> {
  const names = [...placed.map(({ name }) => name), 'router', 'links', ...(request.edge ? ['edge'] : [])]
  await Promise.all(names.map((name) => place.note({ kind: 'container', name: `${prefix}-${name}` })))
}
