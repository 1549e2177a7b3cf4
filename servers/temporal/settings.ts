import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { HarnessError } from '../../harness/core/errors.ts'
import type { ProcessCommand, ProcessPlace } from '../server.ts'
import { findTemporal } from './binaries.ts'

type Timeouts = Readonly<Record<string, number>>

/** Four services in one process, each with a port and a membership port, which PostgreSQL keeps in 15 bits. */
const innerPortNames = [
  'FRONTEND_MEMBERSHIP_PORT',
  'HISTORY_GRPC_PORT',
  'HISTORY_MEMBERSHIP_PORT',
  'MATCHING_GRPC_PORT',
  'MATCHING_MEMBERSHIP_PORT',
  'WORKER_GRPC_PORT',
  'WORKER_MEMBERSHIP_PORT',
] as const
export const innerPorts = innerPortNames.length

/** Databases of a server: what it knows, and an index for lists. */
export const databases = { store: 'temporal', visibility: 'temporal_visibility' } as const

/**
 * How to start a server whose databases are behind `storeUrl`: by its environment alone. `port` is the frontend's gRPC,
 * `controlPort` the same by HTTP. Ready when it knows the namespace, which it reads from the database, and its parts
 * have found each other: a task queue belongs to another part than the frontend.
 */
export async function command(request: ProcessPlace): Promise<ProcessCommand> {
  const { dataDir, timeouts = {} } = request
  const { server } = await findTemporal()
  const settingsFile = join(dataDir, 'dynamic-config.yaml')
  await writeFile(settingsFile, dynamicConfig(timeouts))
  return {
    command: server,
    args: ['--allow-no-auth', 'start'],
    env: { ...serverEnvironment(request), DYNAMIC_CONFIG_FILE_PATH: settingsFile },
    cwd: dataDir,
  }
}

/** The environment of a server. Without `innerPorts` its parts take the server's own, which are free where it is alone. */
export function serverEnvironment(request: Omit<ProcessPlace, 'dataDir'>): Record<string, string> {
  const { host, port, controlPort, storeUrl, innerPorts: inner = [] } = request
  if (storeUrl === undefined) throw new HarnessError('the Temporal server needs a database')
  return {
    ...databaseEnvironment(new URL(storeUrl)),
    // Never changed after the first start. 512 is for a cluster; every one costs memory and polls.
    NUM_HISTORY_SHARDS: '4',
    BIND_ON_IP: host,
    FRONTEND_GRPC_PORT: String(port),
    FRONTEND_HTTP_PORT: String(controlPort),
    ...Object.fromEntries(inner.map((inner, i) => [innerPortNames[i]!, String(inner)])),
    LOG_LEVEL: 'warn',
  }
}

function databaseEnvironment({ hostname, port, username, password }: URL): Record<string, string> {
  return {
    DB: 'postgres12',
    DBNAME: databases.store,
    VISIBILITY_DBNAME: databases.visibility,
    POSTGRES_SEEDS: hostname,
    DB_PORT: port,
    POSTGRES_USER: decodeURIComponent(username),
    POSTGRES_PWD: decodeURIComponent(password),
  }
}

/** A connection that answers no ping is dead. Clients may ask once a second. */
export function keepAliveSettings({ keepAliveTimeMs = 60_000, keepAliveTimeoutMs = 10_000 }: Timeouts) {
  const settings = { keepAliveMinTime: 1000, keepAliveTime: keepAliveTimeMs, keepAliveTimeout: keepAliveTimeoutMs }
  return Object.entries(settings).map(([name, ms]) => [`frontend.${name}`, `${ms}ms`] as const)
}

export function dynamicConfig(timeouts: Timeouts): string {
  return keepAliveSettings(timeouts)
    .map(([name, text]) => `${name}:\n  - value: ${text}\n`)
    .join('')
}
