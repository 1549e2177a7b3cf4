import { join } from 'node:path'
import type { DeployRequest, Deployment, Link, Runtime } from '../core/types.ts'
import { openLinks } from '../links/toxiproxy.ts'
import { releasePort, reservePort } from '../os/ports.ts'
import { startLinkServer } from './process/link-server.ts'
import { ChildNode } from './process/node.ts'
import { describeProgram, prepareData } from './process/program.ts'
import { addressBook, type Placed, placeLinks, placeNodes } from './process/topology.ts'
import { storeUrl } from './programs/postgres.ts'

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
  offers: ['kill', 'stop', 'pause', 'toxics', 'custom-toxics'],
  probe: async () => (process.platform === 'win32' ? 'process groups and POSIX signals are needed' : undefined),
  deploy,
}
export default runtime

async function deploy(request: DeployRequest, signal: AbortSignal): Promise<Deployment> {
  await using stack = new AsyncDisposableStack()
  const placed = await placeNodes(request, () => borrowPort(stack))
  const server = stack.use(await startLinkServer(request))
  const proxies = await openLinks(server.url)
  const links = await Promise.all(placeLinks(placed, request.outside).map((link) => proxies.create(link)))
  const nodes = await makeNodes(placed, links, request)
  // What is deferred last ends first: nodes before the servers that they dial.
  for (const role of startOrder)
    stack.defer(async () => {
      await Promise.all(nodes.filter((node) => node.role === role).map((node) => node.dispose()))
    })
  for (const role of startOrder)
    await Promise.all(nodes.filter((node) => node.role === role).map((node) => node.start(signal)))
  const owned = stack.move()
  return {
    nodes,
    links,
    ailing: () => {
      const down = nodes.find((node) => !node.running)
      return down && `${down.name} is not running; see its log in ${request.folder}`
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function borrowPort(stack: AsyncDisposableStack): Promise<number> {
  const port = await reservePort()
  stack.defer(() => releasePort(port))
  return port
}

async function makeNodes(
  placed: readonly Placed[],
  links: readonly Link[],
  request: DeployRequest,
): Promise<readonly ChildNode[]> {
  // Ports are unique, and short: a Unix socket's path below this folder may have no more than about a hundred bytes.
  const dataDir = (node: Placed): string => join(request.temp, String(node.port))
  const servers = placed.filter(({ role }) => role === 'store' || role === 'engine')
  await Promise.all(servers.map((node) => prepareData(node, dataDir(node), request.temp)))
  const store = placed.find(({ role }) => role === 'store')
  const login = store && (await readLogin(dataDir(store)))
  const urlOf = (name: string): string | undefined => links.find((link) => link.name === name)?.url
  return Promise.all(
    placed.map(async (node) => {
      const addresses = addressBook(node, placed, urlOf, (through) => login!(new URL(through)))
      const program = await describeProgram(node, {
        dataDir: dataDir(node),
        logFile: join(request.folder, 'logs', `${node.name}.log`),
        host: loopback,
        env: { ...request.env, ...addresses },
      })
      const { name, role, ordinal } = node
      const { restartDelayMs, onNodeEvent: onEvent } = request
      return new ChildNode({
        name,
        role,
        ordinal,
        url: `http://${loopback}:${node.port}`,
        restartDelayMs,
        onEvent,
        ...program,
      })
    }),
  )
}

/** The database's address through any proxy, with the credentials that its data folder holds. */
async function readLogin(dataDir: string): Promise<(through: URL) => string> {
  const url = new URL(await storeUrl(dataDir, loopback, 1))
  return ({ hostname, port }) => {
    url.hostname = hostname
    url.port = port
    return url.href
  }
}
