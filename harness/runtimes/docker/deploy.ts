import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { DeployRequest, Deployment, Place } from '../../model/types.ts'
import { addressBook, type Placed, planLinks, planNodes, type Planned } from '../_shared/topology.ts'
import type { BoxSpec } from './containers/container.ts'
import { type Crossing, openCrossing, openStraight } from './network/router.ts'
import { type Images, referenceOf } from './images/resolve.ts'
import type { ImageName } from './images/references.ts'
import type { CellNetwork } from './network/cell-network.ts'
import { ContainerNode } from './containers/node.ts'
import { describeProgram, portsOf, storeUrl } from './containers/program.ts'
import type { CrossedLink } from './network/routes.ts'

/** A cell's place, and what is given to every container in it. */
export interface Site {
  readonly place: Place
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
const firstDoor = 18_000

const mebibyte = 2 ** 20

/** In this order each finds what it dials ready; the API comes last, so that whoever sees it can use it. */
const startOrder = ['store', 'engine', 'worker', 'api'] as const

interface Numbered extends Placed {
  readonly index: number
}

export async function deploy(site: Site, request: DeployRequest, signal: AbortSignal): Promise<Deployment> {
  await using stack = new AsyncDisposableStack()
  const password = randomBytes(24).toString('hex')
  const placed = planNodes(request).map((node, index) => placeNode(site, node, index))
  const crossed = crossLinks(site, placed, request)
  await noteAll(site, placed, request)
  const wanted = crossingRequest(site, placed, crossed, request)
  const crossing = stack.use(request.direct ? openStraight(wanted) : await openCrossing(wanted, signal))
  const nodes = placed.map((node) => makeNode(site, node, { placed, crossing, request, password }))
  stack.defer(async () => void (await Promise.all(nodes.map((node) => node.dispose()))))
  for (const role of startOrder)
    await Promise.all(nodes.filter((node) => node.role === role).map((node) => node.start(signal)))
  const owned = stack.move()
  const database = nodes.find((node) =>
    placed.some(({ name, service }) => name === node.name && service.program === 'postgres'),
  )
  return {
    nodes,
    links: crossing.links,
    ...(database && { databaseUrl: storeUrl('postgres', database.url, password) }),
    ailing: () => {
      const down = nodes.find((node) => !node.running)
      return down && `${down.name} is not running; see its log in ${site.place.folder}`
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function placeNode({ network }: Site, node: Planned, index: number): Numbered {
  return { ...node, index, host: network.address(firstNode + index), ...portsOf(node.service) }
}

/** Every link gets a mark, a port and a virtual address; where a load balancer is asked for, each API node gets a door. */
function crossLinks({ network }: Site, placed: readonly Numbered[], request: DeployRequest): readonly CrossedLink[] {
  return planLinks(placed, request.outside).map((link, i) => {
    const virtual = network.address(firstVirtual + i)
    const { to } = link
    const [target, port] = 'outside' in to ? to.outside.split(':') : dialled(placed, to.node)
    const upstream = `${virtual}:${port}`
    const marked = { mark: i + 1, port: firstPort + i, virtual, target: target! }
    const door = request.edge && link.kind === 'client->api' ? { port: firstDoor + link.ordinal, upstream } : undefined
    return { ...link, marked, upstream, ...(door && { door }) }
  })
}

function dialled(placed: readonly Numbered[], name: string): [string, string] {
  const { host, port } = placed.find((node) => node.name === name)!
  return [host, String(port)]
}

function crossingRequest(
  site: Site,
  placed: readonly Numbered[],
  links: readonly CrossedLink[],
  request: DeployRequest,
): Parameters<typeof openCrossing>[0] {
  const address = site.network.address(routerAddress)
  const helper = (name: string, image: ImageName, mebibytes: number, more: Partial<BoxSpec> = {}): BoxSpec => ({
    ...box(site, name, image),
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

function box(
  { place, prefix, labels, images }: Site,
  name: string,
  image: ImageName,
): Pick<BoxSpec, 'image' | 'name' | 'labels' | 'logFile'> {
  const logFile = join(place.folder, 'logs', `${name}.log`)
  return { image: referenceOf(images, image), name: `${prefix}-${name}`, labels, logFile }
}

interface Surroundings {
  readonly placed: readonly Numbered[]
  readonly crossing: Crossing
  readonly request: DeployRequest
  readonly password: string
}

function makeNode(site: Site, node: Numbered, { placed, crossing, request, password }: Surroundings): ContainerNode {
  const { name, role, ordinal, index, service, port } = node
  const urlOf = (link: string): string | undefined => crossing.links.find((one) => one.name === link)?.url
  const store = placed.find(({ role }) => role === 'store')
  const addresses = addressBook(node, placed, urlOf, (through) => storeUrl(store!.service.program, through, password))
  const { restartDelayMs, onNodeEvent: onEvent } = request
  const draw = randomBytes(9).toString('base64url')
  return new ContainerNode({
    name,
    role,
    ordinal,
    restartDelayMs,
    onEvent,
    crossing,
    note: (container) => site.place.note({ kind: 'container', name: container }),
    incarnation: (generation) => {
      const self = generation === 0 ? name : `${name}.${generation}`
      const address = site.network.address(firstNode + index + perGeneration * (generation % generations))
      const place = { name: self, start: `${draw}.${generation}`, host: address, addresses, password }
      const { image, ready, ...program } = describeProgram(service, place, request)
      const network = { name: site.network.name, address }
      const common = { ...box(site, name, image), name: `${site.prefix}-${self}` }
      return { address, url: `http://${address}:${port}`, ready, box: { ...common, network, ...program } }
    },
  })
}

/** Those who come back as somebody new are written down then. */
async function noteAll({ place, prefix }: Site, placed: readonly Planned[], request: DeployRequest): Promise<void> {
  const names = [...placed.map(({ name }) => name), 'router', 'links', ...(request.edge ? ['edge'] : [])]
  await Promise.all(names.map((name) => place.note({ kind: 'container', name: `${prefix}-${name}` })))
}
