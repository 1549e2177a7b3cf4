import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ChildSpec } from '../../os/child.ts'
import { entryPath } from '../../os/entry.ts'
import * as postgres from '../../../servers/postgres/cluster.ts'
import * as redis from '../../../servers/redis/settings.ts'
import { programCommand as restateCommand } from '../../../servers/restate/settings.ts'
import { createTemporalTemplate } from '../../../servers/temporal/tables.ts'
import { programCommand as temporalCommand } from '../../../servers/temporal/settings.ts'
import { programCommand as devServerCommand } from '../../../servers/temporal-dev/settings.ts'
import { type Readiness, readinessOf } from '../../os/readiness.ts'
import type { Placed } from '../_shared/topology.ts'

export interface Program {
  readonly child: ChildSpec
  readonly ready: Readiness
  readonly endSignal: NodeJS.Signals
}

/** Below the harness in priority. */
const nice = 7

/**
 * A node's start is mostly compilation, and a cell starts a dozen on two cores: what one compiled, the next one loads.
 * The folder belongs to the checkout; where it cannot be written, Node goes on without.
 */
const compileCache = {
  NODE_COMPILE_CACHE: fileURLToPath(new URL('../../../node_modules/.cache/outlast', import.meta.url)),
}

/** Where a node's files are and with what environment the nodes of its cell start. */
export interface ProgramPlace {
  readonly dataDir: string
  readonly logFile: string
  readonly host: string
  readonly env: Readonly<Record<string, string>>
  /** Real milliseconds, for programs that have timeouts. */
  readonly timeouts: Readonly<Record<string, number>>
}

/** Prepare a server's data before anything starts: others need what is in it, as the password of a database. */
export async function prepareData(node: Placed, dataDir: string, temp: string, signal: AbortSignal): Promise<void> {
  if (node.service.program === 'postgres')
    await postgres.cloneTemplate(await databaseTemplate(temp, node.service.schema, signal), dataDir)
  else if (node.service.program === 'redis') await redis.createData(dataDir)
  // Only where the run's folder still is: what was deleted with it must not come back.
  else await mkdir(dataDir, { mode: 0o700 })
}

const templates = new Map<string, Promise<string>>()

/** One cluster per schema is initialised per run; every cell gets a copy. */
function databaseTemplate(temp: string, schema: Placed['service']['schema'], signal: AbortSignal): Promise<string> {
  const folder = join(temp, `${schema ?? 'postgres'}-template`)
  const create = schema === 'temporal' ? createTemporalTemplate : postgres.createTemplate
  const made = templates.get(folder) ?? create(folder, signal).then(() => folder)
  templates.set(folder, made)
  return made
}

/** The address of a store through any proxy, with the credentials that its data folder holds. */
export async function readLogin({ service }: Placed, dataDir: string): Promise<(through: string) => string> {
  const { storeUrl } = service.program === 'redis' ? redis : postgres
  const url = await storeUrl(dataDir, 'host', 1)
  return (through) => url.replace('host:1', new URL(through).host)
}

const serverCommands = {
  postgres: postgres.programCommand,
  redis: redis.programCommand,
  restate: restateCommand,
  temporal: temporalCommand,
  'temporal-dev': devServerCommand,
} as const

/** How this runtime starts a node: our own entries under this very Node, other programs from their npm packages. */
export async function describeProgram(node: Placed, place: ProgramPlace): Promise<Program> {
  const { program } = node.service
  return program === 'serve' || program === 'work' ? describeEntry(node, place) : describeServer(node, place)
}

function describeEntry(node: Placed, { host, env, logFile }: ProgramPlace): Program {
  const own = { OUTLAST_NODE: node.name, OUTLAST_HOST: host, OUTLAST_PORT: String(node.port), OUTLAST_PARENT_PIPE: '1' }
  return {
    child: {
      command: process.execPath,
      args: [entryOf(node.service.program)],
      env: { ...env, ...own, ...compileCache },
      logFile,
      nice,
    },
    ready: { http: `http://${host}:${node.port}/healthz` },
    endSignal: 'SIGTERM',
  }
}

/** A process that will be one of these nodes: its environment says what they have in common, and not who it is. */
export function describeSpare(
  program: 'serve' | 'work',
  { env, logFile }: Pick<ProgramPlace, 'env' | 'logFile'>,
): ChildSpec {
  const own = { OUTLAST_PARENT_PIPE: '1', OUTLAST_SPARE: '1' }
  return {
    command: process.execPath,
    args: [entryOf(program)],
    env: { ...env, ...own, ...compileCache },
    logFile,
    nice,
  }
}

function entryOf(program: string): string {
  return entryPath(`../../../patterns/${program}`, import.meta.url)
}

async function describeServer(node: Placed, place: ProgramPlace): Promise<Program> {
  const { dataDir, host, logFile, env, timeouts } = place
  const { port, controlPort, innerPorts = [] } = node
  const storeUrl = env['OUTLAST_STORE_URL']
  const { ready, endSignal, ...child } = await serverCommands[node.service.program as keyof typeof serverCommands]({
    dataDir,
    host,
    port,
    controlPort,
    innerPorts,
    timeouts,
    ...(storeUrl !== undefined && { storeUrl }),
  })
  return { child: { ...child, logFile, nice }, ready: readinessOf(ready, { host, port, controlPort }), endSignal }
}
