import { join } from 'node:path'
import type { Link } from '../model/link.ts'
import type { NodeRole } from '../model/plan.ts'
import { settleAll } from '../core/settle.ts'
import type { DeployRequest, Deployment, Ground, Place, Runtime } from '../model/types.ts'
import { openLinks } from '../links/toxiproxy.ts'
import { holdLowPort, holdPort } from '../os/ports.ts'
import { startLinkServer } from './process/link-server.ts'
import { ChildNode } from './process/node.ts'
import { describeProgram, prepareData, readLogin } from './process/program.ts'
import { fillAll, openAllSpares, type Spares } from './process/spares.ts'
import { innerPorts } from '../../servers/temporal/settings.ts'
import { useExistingTemporal } from '../../servers/temporal/existing.ts'
import { storeUrl } from '../../servers/postgres/cluster.ts'
import { PortTaken } from '../os/readiness.ts'
import { addressBook, type Placed, type PlannedLink, planLinks, planNodes, straightLink } from './_shared/topology.ts'
import { describeServers, notFromNpm } from './_shared/servers.ts'

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

/** Ports that a stranger listens on, although we hold them, are given up for others. */
const placeTries = 3

async function deploy(request: Request, signal: AbortSignal): Promise<Deployment> {
  for (let tries = 1; ; tries++) {
    try {
      return await deployOnce(request, signal)
    } catch (error) {
      if (!(error instanceof PortTaken) || tries === placeTries) throw error
    }
  }
}

async function deployOnce(wanted: Request, signal: AbortSignal): Promise<Deployment> {
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
  const nodes = await makeNodes(placed, links, request, engineSpace, reachOf, spares, signal)
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
  const databaseUrl = database && (await storeUrl(database.dataDir, loopback, database.port))
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

/** A node with a place of its own for what it keeps. */
interface Housed extends Placed {
  readonly dataDir: string
}

let housed = 0

/** What others dial, and what administration and a program's own parts need: held until the node is gone for good. */
async function placeNodes(request: Request, stack: AsyncDisposableStack): Promise<readonly Housed[]> {
  const placed: Housed[] = []
  for (const node of planNodes(request)) {
    const hold = node.service.program === 'temporal' ? holdLowPort : holdPort
    const nextPort = async (): Promise<number> => stack.use(await hold()).port
    const port = await nextPort()
    const controlPort = hasControl(node.service) ? await nextPort() : port
    const inner: number[] = []
    while (node.service.program === 'temporal' && inner.length < innerPorts) inner.push(await nextPort())
    // Short: a Unix socket's path below this folder may have no more than about a hundred bytes.
    const dataDir = join(request.temp, String(++housed))
    placed.push({ ...node, host: loopback, port, controlPort, innerPorts: inner, dataDir })
  }
  return placed
}

/** Of the others administration comes in by the one port that they have, or there is none. */
function hasControl({ program }: DeployRequest['services'][number]): boolean {
  return program === 'restate' || program === 'temporal' || program === 'temporal-dev'
}

function addressOf(placed: readonly Placed[], name: string): string {
  const { host, port } = placed.find((node) => node.name === name)!
  return `${host}:${port}`
}

async function makeNodes(
  placed: readonly Housed[],
  links: readonly Link[],
  request: Request,
  engineSpace: string,
  reachOf: (name: string) => Reach,
  spares: ReadonlyMap<NodeRole, Spares>,
  signal: AbortSignal,
): Promise<readonly ChildNode[]> {
  const servers = placed.filter(({ role }) => role === 'store' || role === 'engine')
  await settleAll(servers.map((node) => prepareData(node, node.dataDir, request.temp, signal)))
  const store = placed.find(({ role }) => role === 'store')
  const login = store && (await readLogin(store, store.dataDir))
  const urlOf = (name: string): string | undefined => {
    const url = links.find((link) => link.name === name)?.url
    return url && name.endsWith('->engine-0') ? url + engineSpace : url
  }
  return Promise.all(
    placed.map(async (node) => {
      const addresses = addressBook(node, placed, urlOf, (through) => login!(through))
      const program = await describeProgram(node, {
        dataDir: node.dataDir,
        logFile: join(request.folder, 'logs', `${node.name}.log`),
        host: loopback,
        env: { ...request.env, ...addresses },
        timeouts: request.timeouts,
      })
      const { name, role, ordinal, port, controlPort, innerPorts: inner = [] } = node
      const { restartDelayMs, onNodeEvent: onEvent, onStranger = () => {} } = request
      return new ChildNode({
        name,
        role,
        ordinal,
        url: `http://${loopback}:${node.port}`,
        restartDelayMs,
        spares: spares.get(role),
        reach: reachOf(name),
        ports: [port, controlPort, ...inner],
        onEvent,
        onStranger: (who) => onStranger({ place: name, who }),
        ...program,
      })
    }),
  )
}
