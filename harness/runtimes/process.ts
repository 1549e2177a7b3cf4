import { join } from 'node:path'
import type { Link } from '../core/link.ts'
import type { NodeRole } from '../core/plan.ts'
import type { DeployRequest, Deployment, Ground, Place, Runtime } from '../core/types.ts'
import { openLinks } from '../links/toxiproxy.ts'
import { releasePort, reservePort } from '../os/ports.ts'
import { startLinkServer } from './process/link-server.ts'
import { ChildNode } from './process/node.ts'
import { describeProgram, prepareData, readLogin } from './process/program.ts'
import { fillAll, openAllSpares, type Spares } from './process/spares.ts'
import { innerPorts } from './programs/temporal.ts'
import { useExistingTemporal } from './programs/temporal-existing.ts'
import { storeUrl } from './programs/postgres.ts'
import { addressBook, type Placed, type PlannedLink, planLinks, planNodes, straightLink } from './programs/topology.ts'
import { describeServers, notFromNpm } from './programs/versions.ts'

const loopback = '127.0.0.1'

/** In this order each finds what it dials ready; the API comes last, so that whoever sees it can use it. */
const startOrder = ['store', 'engine', 'worker', 'api'] as const

/**
 * Child processes on loopback, every connection through the embedded link server. Needs Node alone.
 * Nodes run below the harness in priority, so that their load does not become its lag.
 */
const runtime: Runtime = {
  name: 'process',
  summary: 'child processes on loopback, links through the embedded proxy: no Docker, no root',
  offers: ['kill', 'stop', 'pause', 'toxics', 'stall', 'refuse', 'idle-timeout', 'response-lost'],
  probe: async () => (process.platform === 'win32' ? 'process groups and POSIX signals are needed' : undefined),
  whyNot,
  describe: describeServers,
  open: async (place) => ground(place),
  // Processes carry the run's label in their environments, whatever runtime started them: the harness ends those itself.
  traces: async () => [],
  sweep: async () => [],
}
export default runtime

async function whyNot(services: DeployRequest['services']): Promise<string | undefined> {
  const asked = Object.entries(notFromNpm).filter(([name]) => services.some(({ program }) => program === name))
  const reasons = await Promise.all(asked.map(([, server]) => server.whyNot()))
  return reasons.find((reason) => reason !== undefined)
}

/** Loopback is there already, and stays. */
function ground(place: Place): Ground {
  return {
    host: loopback,
    network: '127.0.0.0/8',
    deploy: (request, signal) => deploy({ ...place, ...request }, signal),
    [Symbol.asyncDispose]: async () => {},
  }
}

type Reach = (isUp: boolean) => Promise<void>

/** What a cell asks for, and where it is. */
type Request = Place & DeployRequest

async function deploy(wanted: Request, signal: AbortSignal): Promise<Deployment> {
  const { engineSpace, ...request } = useExistingTemporal(wanted)
  await using stack = new AsyncDisposableStack()
  const placed = await placeNodes(request, stack)
  const makeLink = request.direct ? straightLink : await openProxies(request, stack)
  const inward = new Map<string, Reach[]>(placed.map(({ name }) => [name, []]))
  const links = await Promise.all(
    planLinks(placed, request.outside).map(async ({ to, ...planned }) => {
      if ('outside' in to) return makeLink(planned, to.outside)
      const link: Link & { readonly setUpstreamUp?: Reach } = await makeLink(planned, addressOf(placed, to.node))
      if (link.setUpstreamUp) inward.get(to.node)!.push(link.setUpstreamUp)
      return link
    }),
  )
  const reachOf =
    (name: string): Reach =>
    async (isUp) =>
      void (await Promise.all(inward.get(name)!.map((reach) => reach(isUp))))
  const spares = openAllSpares(request, stack)
  const nodes = await makeNodes(placed, links, request, engineSpace, reachOf, spares)
  // What is deferred last ends first: nodes before the servers that they dial.
  for (const role of startOrder)
    stack.defer(async () => {
      await Promise.all(nodes.filter((node) => node.role === role).map((node) => node.dispose()))
    })
  for (const role of startOrder)
    await Promise.all(nodes.filter((node) => node.role === role).map((node) => node.start(signal)))
  await fillAll(spares, signal)
  const owned = stack.move()
  const database = placed.find(({ service }) => service.program === 'postgres')
  const databaseUrl = database && (await storeUrl(join(request.temp, String(database.port)), loopback, database.port))
  return {
    nodes,
    links,
    ...(databaseUrl && { databaseUrl }),
    ailing: () => {
      const down = nodes.find((node) => !node.running)
      return down && `${down.name} is not running; see its log in ${request.folder}`
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function openProxies(request: Request, stack: AsyncDisposableStack) {
  const server = stack.use(await startLinkServer(request))
  const proxies = await openLinks(server.url)
  return (link: Omit<PlannedLink, 'to'>, upstream: string) => proxies.create({ ...link, upstream })
}

/** Two ports each, what others dial and administration, and what a program's own parts need. */
async function placeNodes(request: Request, stack: AsyncDisposableStack): Promise<readonly Placed[]> {
  const placed: Placed[] = []
  for (const node of planNodes(request)) {
    const [port, controlPort] = [await borrowPort(stack), await borrowPort(stack)]
    const inner: number[] = []
    while (node.service.program === 'temporal' && inner.length < innerPorts) inner.push(await borrowPort(stack))
    placed.push({ ...node, host: loopback, port, controlPort, innerPorts: inner })
  }
  return placed
}

function addressOf(placed: readonly Placed[], name: string): string {
  const { host, port } = placed.find((node) => node.name === name)!
  return `${host}:${port}`
}

async function borrowPort(stack: AsyncDisposableStack): Promise<number> {
  const port = await reservePort()
  stack.defer(() => releasePort(port))
  return port
}

async function makeNodes(
  placed: readonly Placed[],
  links: readonly Link[],
  request: Request,
  engineSpace: string,
  reachOf: (name: string) => Reach,
  spares: ReadonlyMap<NodeRole, Spares>,
): Promise<readonly ChildNode[]> {
  // Ports are unique, and short: a Unix socket's path below this folder may have no more than about a hundred bytes.
  const dataDir = (node: Placed): string => join(request.temp, String(node.port))
  const servers = placed.filter(({ role }) => role === 'store' || role === 'engine')
  await Promise.all(servers.map((node) => prepareData(node, dataDir(node), request.temp)))
  const store = placed.find(({ role }) => role === 'store')
  const login = store && (await readLogin(store, dataDir(store)))
  const urlOf = (name: string): string | undefined => {
    const url = links.find((link) => link.name === name)?.url
    return url && name.endsWith('->engine-0') ? url + engineSpace : url
  }
  return Promise.all(
    placed.map(async (node) => {
      const addresses = addressBook(node, placed, urlOf, (through) => login!(through))
      const program = await describeProgram(node, {
        dataDir: dataDir(node),
        logFile: join(request.folder, 'logs', `${node.name}.log`),
        host: loopback,
        env: { ...request.env, ...addresses },
        timeouts: request.timeouts,
      })
      const { name, role, ordinal } = node
      const { restartDelayMs, onNodeEvent: onEvent } = request
      return new ChildNode({
        name,
        role,
        ordinal,
        url: `http://${loopback}:${node.port}`,
        restartDelayMs,
        spares: spares.get(role),
        reach: reachOf(name),
        onEvent,
        ...program,
      })
    }),
  )
}
