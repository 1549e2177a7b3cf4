import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Link } from '../../model/link.ts'
import { settleAll } from '../../core/async.ts'
import type { NodeRole } from '../../../patterns/contract/types/engine.ts'
import { type Outside, type Planned, type PlannedLink, planLinks, planNodes } from '../../model/topology.ts'
import type { DeployRequest, Deployment, CellContext, OwnersService } from '../../model/runtime.ts'
import { openLinks } from '../../links/toxiproxy.ts'
import { holdLowPort, holdPort } from '../../os/ports.ts'
import { PortTaken } from '../../os/readiness.ts'
import { openDeployment, startInOrder, addressBook, type Placed, straightLink } from '../_shared/deployment.ts'
import { isEntry, loginTo, serverOf, tablesOf, serversOf } from '../_shared/servers.ts'
import { type Ports, readinessOf, type RemoteServer } from '../../../servers/server.ts'
import { blockEnvironment } from './event-loop.ts'
import type { Pod } from '../_shared/pod.ts'
import { ChildNode } from './node.ts'
import { RemoteNode } from './remote-node.ts'
import { describeProgram } from './program.ts'
import { fillAll, openAllSpares, type Spares } from './spares.ts'
import { killGroup, readFirstLine, spawnChild, watchChild, entryPath } from '../../os/child.ts'

export const loopback = '127.0.0.1'

type Request = CellContext & DeployRequest

/** Tells the links that lead to a node whether there is anything to dial. */
type Reach = (isUp: boolean) => Promise<void>

/** Ports on which another program listens, although we hold them, are given up for others. */
const placeTries = 3

export async function deploy(request: Request, signal: AbortSignal): Promise<Deployment> {
  for (let tries = 1; ; tries++) {
    try {
      return await deployOnce(request, signal)
    } catch (error) {
      if (!(error instanceof PortTaken) || tries === placeTries) throw error
    }
  }
}

async function deployOnce(wanted: Request, signal: AbortSignal): Promise<Deployment> {
  const { engineSpace, ...existing } = useExisting(wanted)
  const block = wanted.blockable ? await blockEnvironment(wanted.temp) : {}
  const request = { ...existing, env: { ...existing.env, ...block } }
  await using stack = new AsyncDisposableStack()
  const placed = await placeNodes(request, stack)
  const { links, reachOf } = await connect(placed, request, stack)
  const spares = openAllSpares(request, stack)
  const login = await prepareServers(placed, request, signal)
  const nodes = await makeNodes(placed, { request, links, reachOf, spares, login, engineSpace })
  await startInOrder(nodes, stack, signal)
  await fillAll(spares, signal)
  const store = placed.find(({ role }) => role === 'store')
  const access = store && { service: store.service, url: login(`${loopback}:${store.port}`) }
  return openDeployment({ nodes, links, folder: request.folder, store: access }, stack)
}

/** A node with a folder of its own for what it keeps. */
interface Housed extends Placed {
  readonly dataDir: string
}

let housed = 0

/** What others dial, and what administration and a server's own parts need: held until the node is gone for good. */
async function placeNodes(request: Request, stack: AsyncDisposableStack): Promise<readonly Housed[]> {
  const placed: Housed[] = []
  for (const node of planNodes(request)) {
    const {
      control,
      inner = 0,
      areLow,
    } = isEntry(node.service.program) ? ownPorts : serverOf(node.service).service.ports
    const remote = isEntry(node.service.program) ? undefined : serverOf(node.service).service.remote
    if (remote) {
      placed.push(placeRemote(node, remote.url))
      continue
    }
    const nextPort = async (): Promise<number> => stack.use(await (areLow ? holdLowPort() : holdPort())).port
    const port = await nextPort()
    const controlPort = control === undefined ? port : await nextPort()
    const innerPorts: number[] = []
    while (innerPorts.length < inner) innerPorts.push(await nextPort())
    // Short: a Unix socket's path below this folder may have no more than about a hundred bytes.
    const dataDir = join(request.temp, String(++housed))
    placed.push({ ...node, host: loopback, port, controlPort, innerPorts, dataDir })
  }
  return placed
}

/** Nobody here holds its port, or keeps files of it. */
function placeRemote(node: Planned, url: string): Housed {
  const { hostname: host, port } = new URL(url)
  return { ...node, host, port: Number(port || 80), controlPort: Number(port || 80), dataDir: '' }
}

const ownPorts: Pick<Ports, 'control' | 'inner' | 'areLow'> = {}

/** Every link, through the link server unless nothing is to be done to it. */
async function connect(
  placed: readonly Housed[],
  request: Request & { readonly outside: Outside },
  stack: AsyncDisposableStack,
) {
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
  return { links, reachOf }
}

async function openProxies(request: Request, stack: AsyncDisposableStack) {
  const server = stack.use(await startLinkServer(request))
  const proxies = await openLinks(server.url)
  return (link: Omit<PlannedLink, 'to'>, upstream: string) => proxies.create({ ...link, upstream })
}

function addressOf(placed: readonly Placed[], name: string): string {
  const { host, port } = placed.find((node) => node.name === name)!
  return `${host}:${port}`
}

/** Make the data of every server before any node starts: others need the password in it. Resolves with how to reach the store. */
async function prepareServers(
  placed: readonly Housed[],
  { temp }: Request,
  signal: AbortSignal,
): Promise<(address: string) => string> {
  const servers = placed.filter(({ service, dataDir }) => !isEntry(service.program) && dataDir !== '')
  await settleAll(
    servers.map(async ({ service, dataDir }) => {
      const { prepare } = serverOf(service).service.process!
      if (prepare) await prepare(dataDir, { temp, tables: tablesOf(service), signal })
      // Only where the run's folder still is: what was deleted with it must not come back.
      else await mkdir(dataDir, { mode: 0o700 })
    }),
  )
  const store = placed.find(({ role }) => role === 'store')
  if (!store) return (address) => address
  const password = await serverOf(store.service).service.process!.password?.(store.dataDir)
  return loginTo(store.service, password ?? '')
}

interface Surroundings {
  readonly request: Request
  readonly links: readonly Link[]
  readonly reachOf: (name: string) => Reach
  readonly spares: ReadonlyMap<NodeRole, Spares>
  readonly login: (address: string) => string
  readonly engineSpace: string
}

async function makeNodes(placed: readonly Housed[], around: Surroundings): Promise<readonly Pod[]> {
  const { request, links, reachOf, spares, login, engineSpace } = around
  const { restartDelayMs, onNodeEvent: onEvent, onStranger = () => {} } = request
  const urlOf = (name: string): string | undefined => {
    const url = links.find((link) => link.name === name)?.url
    return url && name.endsWith('->engine-0') ? url + engineSpace : url
  }
  const sharedDir = join(request.temp, String(++housed))
  return Promise.all(
    placed.map(async (node) => {
      const { name, role, ordinal, port, controlPort, innerPorts = [], dataDir } = node
      const common = { name, role, ordinal, restartDelayMs, onEvent, reach: reachOf(name) }
      const remote = isEntry(node.service.program) ? undefined : serverOf(node.service).service.remote
      if (remote) {
        const ready = readinessOf(serverOf(node.service).service.ready, node)
        const logFile = join(request.folder, 'logs', `${name}.log`)
        const note = noteOf(`${name} of ${request.cell}, at ${remote.url}`, remote, logFile, request)
        return new RemoteNode({ ...common, remote, ready, logFile, note, onLost: request.lost ?? (() => {}) })
      }
      const program = await describeProgram(node, {
        dataDir,
        sharedDir,
        logFile: join(request.folder, 'logs', `${name}.log`),
        host: loopback,
        env: { ...request.env, ...addressBook(node, placed, urlOf, login) },
        apiEnv: request.apiEnv,
        timeouts: request.timeouts,
      })
      return new ChildNode({
        ...common,
        url: `http://${loopback}:${port}`,
        spares: spares.get(role),
        ports: [port, controlPort, ...innerPorts],
        onStranger: (who) => onStranger({ place: name, who }),
        ...program,
      })
    }),
  )
}

/** Nobody takes it down who could not bring it back. */
function noteOf(name: string, { url, cwd, restart }: RemoteServer, logFile: string, { note }: Request) {
  return async (state: OwnersService['state']): Promise<void> => {
    if (restart) await note({ kind: 'service', name, state, url, restart, cwd, logFile })
  }
}

/**
 * What of a deployment is left to start where the user names a server that is there already. Left out are that server and
 * the store that only it would use; `engineSpace` ends the engine's address.
 */
function useExisting<R extends DeployRequest>(
  request: R,
): R & { readonly outside: Outside; readonly engineSpace: string } {
  for (const { name, service } of serversOf(request.services)) {
    const existing = service.existing?.()
    if (existing)
      return {
        ...request,
        services: request.services.filter(({ program, schema }) => program !== name && schema !== name),
        outside: { ...request.outside, engine: existing.address },
        engineSpace: existing.space,
      }
  }
  return { ...request, engineSpace: '' }
}

/** Start the embedded link server in a process of its own; disposing ends it, and every fault on it with it. */
export async function startLinkServer(
  request: CellContext & DeployRequest,
): Promise<AsyncDisposable & { readonly url: string }> {
  const logFile = join(request.folder, 'logs', 'links.log')
  const child = await spawnChild({
    command: process.execPath,
    args: [
      entryPath('../../links/embedded/main', import.meta.url),
      '--listen',
      '127.0.0.1:0',
      '--evidence',
      join(request.folder, 'evidence.ndjson'),
      '--seed',
      String(request.seed),
    ],
    env: request.env,
    logFile,
    stdout: 'pipe',
    nice: 2,
  })
  const { listening } = await readFirstLine<{ listening: string }>(child, 'the link server', logFile)
  const { lost: onLost = () => {} } = request
  const watched = watchChild(child, { what: 'the link server', logFile, onLost })
  return {
    url: listening,
    [Symbol.asyncDispose]: async () => {
      watched[Symbol.dispose]()
      await killGroup(child, 'SIGTERM')
    },
  }
}
