import { fileURLToPath } from 'node:url'
import { home, isCheckout } from '../../core/own-package.ts'
import { type ChildSpec, entryPath } from '../../os/child.ts'
import type { Readiness } from '../../os/readiness.ts'
import { readinessOf } from '../../../servers/server.ts'
import { isEntry, nodeFlags, serverOf } from '../_shared/servers.ts'
import type { Placed } from '../_shared/deployment.ts'

export interface Program {
  readonly child: ChildSpec
  readonly ready: Readiness
  readonly endSignal: NodeJS.Signals
}

const nice = 7

/** A node's start is mostly compilation: what one compiled, the next loads. Kept beside the packages, where that can be written. */
const compileCache = {
  NODE_COMPILE_CACHE: fileURLToPath(new URL(isCheckout ? 'node_modules/.cache/outlast' : '../.cache/outlast', home)),
}

/** Where a node's files are and with what environment the nodes of its cell start. */
export interface ProgramPlace {
  readonly dataDir: string
  /** Of all nodes of the cell. */
  readonly sharedDir: string
  readonly logFile: string
  readonly host: string
  readonly env: Readonly<Record<string, string>>
  /** As `DeployRequest` has it. */
  readonly apiEnv?: Readonly<Record<string, string>> | undefined
  /** Real milliseconds, for programs that have timeouts. */
  readonly timeouts: Readonly<Record<string, number>>
}

/** How this runtime starts a node: our own entries under this very Node, a server as its folder says. */
export async function describeProgram(node: Placed, place: ProgramPlace): Promise<Program> {
  const { program } = node.service
  return isEntry(program) ? describeEntry(program, node, place) : describeServer(node, place)
}

function describeEntry(program: 'serve' | 'work', node: Placed, place: ProgramPlace): Program {
  const { host, logFile } = place
  const env = program === 'serve' ? { ...place.env, ...place.apiEnv } : place.env
  const own = { OUTLAST_NODE: node.name, OUTLAST_HOST: host, OUTLAST_PORT: String(node.port) }
  return {
    child: entry(program, { ...env, ...own }, logFile),
    ready: { http: `http://${host}:${node.port}/healthz` },
    endSignal: 'SIGTERM',
  }
}

/** A process that will be one of these nodes: its environment says what they have in common, and not who it is. */
export function describeSpare(
  program: 'serve' | 'work',
  { env, logFile }: Pick<ProgramPlace, 'env' | 'logFile'>,
): ChildSpec {
  return entry(program, { ...env, OUTLAST_SPARE: '1' }, logFile)
}

function entry(program: 'serve' | 'work', env: Readonly<Record<string, string>>, logFile: string): ChildSpec {
  return {
    command: process.execPath,
    args: [...nodeFlags(program), entryPath(`../../../patterns/${program}`, import.meta.url)],
    env: { ...env, OUTLAST_PARENT_PIPE: '1', ...compileCache },
    logFile,
    nice,
  }
}

async function describeServer(
  node: Placed,
  { dataDir, sharedDir, host, logFile, env, timeouts }: ProgramPlace,
): Promise<Program> {
  const { port, controlPort, innerPorts = [] } = node
  const { ready, endSignal, process } = serverOf(node.service).service
  const storeUrl = env['OUTLAST_STORE_URL']
  const told = { ...env, OUTLAST_NODE: node.name }
  const place = { dataDir, sharedDir, env: told, host, port, controlPort, innerPorts, timeouts, storeUrl }
  const command = await process!.command(place)
  return { child: { ...command, logFile, nice }, ready: readinessOf(ready, place), endSignal }
}
