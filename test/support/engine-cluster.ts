import type { ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { LinkName } from '../../harness/model/plan.ts'
import type { Link } from '../../harness/model/link.ts'
import type { Engine, Service } from '../../patterns/contract/types/engine.ts'
import { startServer } from '../../harness/links/embedded/server.ts'
import { openLinks } from '../../harness/links/toxiproxy.ts'
import { listensOn } from '../../harness/os/listeners.ts'
import { keepLowPort, keepPort } from './ports.ts'
import { waitUntilReady } from '../../harness/os/readiness.ts'
import { loginTo, serverOf, tablesOf } from '../../harness/runtimes/_shared/servers.ts'
import { type ProcessCommand, type ProcessPlace, readinessOf } from '../../servers/server.ts'
import type { Effect } from '../../patterns/agent/step.ts'
import { type Backend, loadBackend } from '../../patterns/contract/engine/backend.ts'
import type { NodeSettings, Rate } from '../../patterns/contract/types/settings.ts'
import { type Pace, timeoutsAt, type Tuning } from '../../patterns/contract/types/timeouts.ts'
import { openNotify } from '../../patterns/contract/server/plugins.ts'
import type { Task } from '../../patterns/contract/types/task.ts'
import { nonceOf } from './tools.ts'
import { spawn } from './programs.ts'

/** One engine with its real servers and workers, and a world of the test's own around it. */
export interface EngineCluster extends AsyncDisposable {
  readonly engine: Engine
  /** Executions of steps, in the order of arrival. */
  readonly effects: readonly Effect[]
  /** Callbacks by arrival; the body is missing where its sender hung up on this busy process. */
  readonly callbacks: readonly Callback[]
  /** Tool calls of these tasks wait for an answer until the release that is returned. */
  holdTools(isHeld: (taskId: string) => boolean): () => void
  readonly webhookUrl: string
  readonly timeScale: number
  /** Of the API nodes. */
  readonly token: string
  /** Database address, for looking behind the engine's back. */
  readonly storeUrl: string | undefined
  /** Of its API nodes. */
  readonly settings: NodeSettings
  /** Every connection between nodes, by the link's name without an ordinal. */
  readonly links: ReadonlyMap<LinkName, Link>
  openApi(): Promise<Backend>
  /** Under a name that none had before, unless one is given. */
  startWorker(name?: string): Promise<Worker>
  /** One life of a node of ours, as a process; its stderr is a pipe. Ended with the cluster at the latest. */
  spawnNode(program: 'serve' | 'work', own: Partial<NodeSettings>, env?: Readonly<Record<string, string>>): ChildProcess
  /** Where a worker has to listen: an engine that knows its workers by address has one address for them. */
  readonly workerPort: number
  stopServer(): Promise<void>
  startServer(): Promise<void>
}

export interface Callback {
  readonly taskId: string
  body: Task | undefined
}

export interface Worker {
  readonly node: string
  signal(signal: NodeJS.Signals): void
  isAlive(): boolean
  /** Exit code, or the signal's name. */
  readonly ended: Promise<number | string>
}

/** What stands between executors and the tools, and is disposed of with the cluster. */
type Doorkeeper = (toolsUrl: string) => Promise<{ readonly url: string } & AsyncDisposable>

interface ClusterOptions {
  /** `tuned` unless it is said otherwise: a crash is noticed sooner. */
  readonly tuning?: Tuning
  readonly delivery?: string
  readonly doorkeeper?: Doorkeeper
  /** Of every node, beside what the cluster says. */
  readonly settings?: Partial<NodeSettings>
}

export async function startCluster(
  engine: Engine,
  timeScale: number,
  { tuning = 'tuned', delivery = 'webhook', doorkeeper, settings: own = {} }: ClusterOptions = {},
): Promise<EngineCluster> {
  await using stack = new AsyncDisposableStack()
  const dir = await makeFolder()
  stack.defer(() => rm(dir, { recursive: true, maxRetries: 5 }))
  const world = stack.use(await startWorld())
  const toolsUrl = doorkeeper ? stack.use(await doorkeeper(world.url)).url : world.url
  const places = await placeServers(engine, dir, { tuning, timeScale })
  const addresses = await addressesOf(places)
  const workerPort = await keepPort()
  const { addressOf, links } = await openCrossings(engine, addresses, workerPort, dir, stack)
  const servers = await startServers(places, addressOf('engine').storeUrl, stack)
  const settings: NodeSettings = {
    node: 'api-0',
    system: `test/${randomUUID()}`,
    listen: { host: '127.0.0.1', port: await keepPort() },
    delivery,
    engine: engine.name,
    timeScale,
    tuning,
    token: 'a token for nothing but tests',
    webhookAllow: ['127.0.0.0/8'],
    toolsUrl,
    ...addresses,
    ...addressOf('api'),
    ...own,
  }
  const workers: ChildProcess[] = []
  const nodes: ChildProcess[] = []
  stack.defer(() => endAll([...workers, ...nodes]))
  const owned = stack.move()
  return {
    engine,
    effects: world.effects,
    callbacks: world.callbacks,
    holdTools: world.holdTools,
    webhookUrl: `${world.url}/callback`,
    timeScale,
    token: settings.token,
    storeUrl: addresses.storeUrl,
    settings,
    links,
    openApi: async () => {
      const { openBackend } = await loadBackend({ engine: engine.name })
      return openBackend(settings, await openNotify(settings))
    },
    startWorker: async (name) => {
      // An engine that knows its workers by address has one address for them.
      const listen = { host: '127.0.0.1', port: links.has('engine->worker') ? workerPort : await keepPort() }
      const node = name ?? `worker-${workers.length}`
      return spawnWorker({ ...settings, ...addressOf('worker'), node, listen }, workers)
    },
    spawnNode: (program, own, env = {}) => {
      const at = addressOf(program === 'work' ? 'worker' : 'api')
      const child = spawnProgram(program, { ...settings, ...at, ...own }, 'pipe', env)
      nodes.push(child)
      return child
    },
    workerPort,
    stopServer: async () => servers.at(-1)?.stop(),
    startServer: async () => servers.at(-1)?.start(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

type Addresses = Pick<NodeSettings, 'storeUrl' | 'engineUrl' | 'engineControlUrl'>

/** A link for every connection between nodes, and each role's addresses through its own. */
async function openCrossings(
  engine: Engine,
  direct: Addresses,
  workerPort: number,
  dir: string,
  stack: AsyncDisposableStack,
) {
  const proxies = await startServer('127.0.0.1:0', join(dir, 'evidence.ndjson'), '1')
  stack.defer(() => proxies.close())
  const created = stack.use(await openLinks(proxies.url))
  const upstreams = { store: direct.storeUrl, engine: direct.engineUrl, worker: `http://127.0.0.1:${workerPort}` }
  const links = new Map<LinkName, Link>()
  for (const { role, dials } of engine.services)
    for (const to of ['store', 'engine', 'worker'] as const) {
      if (!dials.includes(to)) continue
      const kind = `${role}->${to}` as LinkName
      const upstream = new URL(upstreams[to]!).host
      links.set(kind, await created.create({ name: `${kind}-0`, kind, ordinal: 0, upstream }))
    }
  const through = (kind: LinkName, url: string | undefined): string | undefined => {
    const link = links.get(kind)
    return link && url ? url.replace(new URL(url).host, new URL(link.url).host) : undefined
  }
  const addressOf = (role: 'api' | 'worker' | 'engine'): Partial<NodeSettings> => {
    const storeUrl = through(`${role}->store`, direct.storeUrl)
    const engineUrl = role === 'engine' ? undefined : through(`${role}->engine`, direct.engineUrl)
    const advertisedUrl = links.get('engine->worker')?.url
    return { ...(storeUrl && { storeUrl }), ...(engineUrl && { engineUrl }), ...(advertisedUrl && { advertisedUrl }) }
  }
  return { addressOf, links }
}

async function spawnWorker(settings: NodeSettings, workers: ChildProcess[]): Promise<Worker> {
  const start = randomUUID()
  const child = spawnProgram('work', { ...settings, start }, 'inherit')
  workers.push(child)
  const { host, port } = settings.listen
  await waitUntilReady({ http: `http://${host}:${port}/healthz`, start }, AbortSignal.timeout(120_000))
  return {
    node: settings.node,
    signal: (signal) => void child.kill(signal),
    isAlive: () => isRunning(child),
    ended: once(child, 'exit').then(([code, signal]) => (signal ?? code) as number | string),
  }
}

function spawnProgram(
  program: 'serve' | 'work',
  settings: NodeSettings,
  stderr: 'inherit' | 'pipe',
  own: Readonly<Record<string, string>> = {},
): ChildProcess {
  const entry = fileURLToPath(new URL(`../../patterns/${program}.ts`, import.meta.url))
  const env = { ...process.env, ...environmentOf(settings), ...own, OUTLAST_PARENT_PIPE: '1' }
  const child = spawn(process.execPath, [entry], {
    env,
    stdio: ['pipe', stderr === 'pipe' ? 'ignore' : 'inherit', stderr],
  })
  child.stdin?.on('error', () => {})
  return child
}

function environmentOf(settings: NodeSettings): Record<string, string> {
  const { listen, webhookAllow } = settings
  const entries: [string, string | undefined][] = [
    ['OUTLAST_NODE', settings.node],
    ['OUTLAST_SYSTEM', settings.system],
    ['OUTLAST_START', settings.start],
    ['OUTLAST_HOST', listen.host],
    ['OUTLAST_PORT', String(listen.port)],
    ['OUTLAST_DELIVERY', settings.delivery],
    ['OUTLAST_ENGINE', settings.engine],
    ['OUTLAST_TIME_SCALE', String(settings.timeScale)],
    ['OUTLAST_TUNING', settings.tuning],
    ['OUTLAST_TOKEN', settings.token],
    ['OUTLAST_WEBHOOK_ALLOW', webhookAllow?.join(',')],
    ['OUTLAST_STORE_URL', settings.storeUrl],
    ['OUTLAST_ENGINE_URL', settings.engineUrl],
    ['OUTLAST_ENGINE_CONTROL_URL', settings.engineControlUrl],
    ['OUTLAST_ADVERTISED_URL', settings.advertisedUrl],
    ['OUTLAST_TOOLS_URL', settings.toolsUrl],
    ['OUTLAST_BALANCES', settings.balances && JSON.stringify(settings.balances)],
    ['OUTLAST_TOOL_RATE_PER_TASK', rateText(settings.toolRates?.task)],
    ['OUTLAST_TOOL_RATE_PER_PRINCIPAL', rateText(settings.toolRates?.principal)],
  ]
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined))
}

function rateText(rate: Rate | undefined): string | undefined {
  return rate && `${rate.perSecond}/s:${rate.burst}`
}

interface Server extends AsyncDisposable {
  start(): Promise<void>
  stop(): Promise<void>
}

type ServerPlace = ProcessPlace & { readonly service: Service }

/** What all databases of a suite are copied from. It goes with the folder of all suites. */
let templates: Promise<string> | undefined

async function makeFolder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'outlast-'))
  // A database that runs as nobody must be able to come here.
  await chmod(dir, 0o711)
  return dir
}

/** The engine's servers, a database first; its files are made. */
async function placeServers(engine: Engine, dir: string, pace: Pace): Promise<readonly ServerPlace[]> {
  const services = engine.services.filter(({ role }) => role === 'store' || role === 'engine')
  return Promise.all(
    services.map(async (service) => {
      const dataDir = join(dir, service.role)
      const { process: server, ports: needs } = serverOf(service).service
      if (server!.prepare)
        await server!.prepare(dataDir, { temp: await (templates ??= makeFolder()), tables: tablesOf(service) })
      else await mkdir(dataDir)
      const keep = needs.areLow ? keepLowPort : keepPort
      const innerPorts = await Promise.all(Array.from({ length: needs.inner ?? 0 }, keep))
      const ports = { port: await keep(), controlPort: await keep(), innerPorts }
      return { dataDir, host: '127.0.0.1', ...ports, timeouts: timeoutsAt(engine.timeouts, pace), service }
    }),
  )
}

async function addressesOf(places: readonly ServerPlace[]): Promise<Addresses> {
  const store = places.find(({ service }) => service.role === 'store')
  const engine = places.find(({ service }) => service.role === 'engine')
  return {
    ...(store && { storeUrl: await loginOf(store) }),
    ...(engine && { engineUrl: `http://${engine.host}:${engine.port}` }),
    ...(engine && { engineControlUrl: `http://${engine.host}:${engine.controlPort}` }),
  }
}

async function loginOf({ service, dataDir, host, port }: ServerPlace): Promise<string> {
  const password = await serverOf(service).service.process!.password!(dataDir)
  return loginTo(service, password)(`${host}:${port}`)
}

/** In the order of their places: each finds what it dials ready. */
async function startServers(
  places: readonly ServerPlace[],
  storeUrl: string | undefined,
  stack: AsyncDisposableStack,
): Promise<readonly Server[]> {
  const servers: Server[] = []
  for (const place of places) {
    const command = await serverOf(place.service).service.process!.command({ ...place, storeUrl })
    servers.push(stack.use(await runServer(command, place)))
  }
  return servers
}

async function runServer({ command, args, env, cwd, uid, gid }: ProcessCommand, place: ServerPlace): Promise<Server> {
  const { ready, endSignal } = serverOf(place.service).service
  let child: ChildProcess | undefined
  const identity = uid === undefined || gid === undefined ? {} : { uid, gid }
  const start = async (): Promise<void> => {
    const { pid } = (child = spawn(command, args, { env, cwd, ...identity, stdio: 'ignore' }))
    const isOurs = async () => (pid === undefined ? undefined : listensOn(pid, [place.port]))
    await waitUntilReady(readinessOf(ready, place), AbortSignal.timeout(150_000), isOurs)
  }
  const stop = async (): Promise<void> => {
    if (child && isRunning(child)) await endChild(child, endSignal)
  }
  await start()
  return { start, stop, [Symbol.asyncDispose]: stop }
}

/** Tool server and callback receiver. */
async function startWorld() {
  const effects: Effect[] = []
  const callbacks: Callback[] = []
  /** A call that is repeated because its answer was late is the same execution, and the same text. */
  const known = new Set<string>()
  const holds = new Set<{ isHeld: (taskId: string) => boolean; released: Promise<void> }>()
  const holdTools = (isHeld: (taskId: string) => boolean): (() => void) => {
    const { promise: released, resolve } = Promise.withResolvers<void>()
    const hold = { isHeld, released }
    holds.add(hold)
    return () => {
      holds.delete(hold)
      resolve()
    }
  }
  const receive = async (request: IncomingMessage): Promise<object> => {
    const id = /^evt_(.+)_\d+$/.exec(String(request.headers['webhook-id']))?.[1]
    const callback: Callback | undefined = id === undefined ? undefined : { taskId: id, body: undefined }
    if (callback) callbacks.push(callback)
    const body = await text(request)
    if (callback) {
      callback.body = JSON.parse(body) as Task
      return {}
    }
    const effect = JSON.parse(body) as Effect
    if (!known.has(body)) effects.push(effect)
    known.add(body)
    for (const { isHeld, released } of holds) if (isHeld(effect.taskId)) await released
    return { recorded: true, nonce: nonceOf(effect.task, effect.step) }
  }
  const server = createServer((request, response) => {
    receive(request).then(
      (said) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(said)),
      () => response.destroy(),
    )
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const dispose = async (): Promise<void> => {
    server.closeAllConnections()
    server.close()
  }
  return { effects, callbacks, holdTools, url, [Symbol.asyncDispose]: dispose }
}

async function endAll(children: readonly ChildProcess[]): Promise<void> {
  await Promise.all(children.filter(isRunning).map((child) => endChild(child, 'SIGKILL')))
}

async function endChild(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const gone = once(child, 'exit')
  child.kill('SIGCONT')
  child.kill(signal)
  await gone
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null
}
