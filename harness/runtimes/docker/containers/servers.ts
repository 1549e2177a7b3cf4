import { onlyOnce } from '../../../core/once.ts'
import type { ServiceSpec } from '../../../model/types.ts'
import { clusterFormat, serverSettings } from '../../../../servers/postgres/cluster.ts'
import { serverSettings as redisSettings } from '../../../../servers/redis/settings.ts'
import type { Readiness } from '../../../os/readiness.ts'
import { serverEnvironment as restateEnvironment } from '../../../../servers/restate/settings.ts'
import { devServerArgs, devServerEnvironment } from '../../../../servers/temporal-dev/settings.ts'
import { readyPath, registerNamespace } from '../../../../servers/temporal/namespace.ts'
import { dynamicConfig, serverEnvironment as temporalEnvironment } from '../../../../servers/temporal/settings.ts'
import type { ImageName } from '../images/references.ts'

/** How a program is run in a container of its own. */
export interface Program {
  readonly image: ImageName
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Content by path. */
  readonly files?: Readonly<Record<string, string>>
  /** Instead of the image's: where that is root, its entry point would want to become somebody else, and may not. */
  readonly user?: string
  /** What it may write beside its volumes (`box.ts`). */
  readonly writable?: readonly string[]
  readonly memoryBytes: number
  readonly cpus: number
  readonly ready: Readiness
}

/** Where a server's container is, and what it is told. */
export interface ServerPlace {
  readonly host: string
  /** Of the store. */
  readonly password: string
  /** The database's address through the server's own link, credentials included: only for servers that dial one. */
  readonly storeUrl: string | undefined
  /** Real milliseconds, for servers that have timeouts. */
  readonly timeouts: Readonly<Record<string, number>>
}

type ServerName = Exclude<ServiceSpec['program'], 'serve' | 'work'>

/** Where each listens, which is where its makers chose; `controlPort` is `port` where it has no administration. */
export const serverPorts: Readonly<Record<ServerName, { readonly port: number; readonly controlPort: number }>> = {
  postgres: { port: 5432, controlPort: 5432 },
  redis: { port: 6379, controlPort: 6379 },
  restate: { port: 8080, controlPort: 9070 },
  temporal: { port: 7233, controlPort: 7243 },
  'temporal-dev': { port: 7233, controlPort: 7243 },
}

/** What each server needs: images are the official ones or have their interface. */
export const servers: Readonly<Record<ServerName, (place: ServerPlace) => Program>> = {
  postgres: describePostgres,
  redis: describeRedis,
  restate: describeRestate,
  temporal: describeTemporal,
  'temporal-dev': describeDevServer,
}

const mebibyte = 2 ** 20
const everyAddress = '0.0.0.0'
/** Of the databases. */
export const user = 'outlast'

function describePostgres({ host, password }: ServerPlace): Program {
  return {
    image: 'postgres',
    command: ['postgres', ...Object.entries(serverSettings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    env: {
      POSTGRES_USER: user,
      POSTGRES_PASSWORD: password,
      POSTGRES_DB: 'postgres',
      POSTGRES_INITDB_ARGS: clusterFormat.join(' '),
    },
    user: 'postgres',
    writable: ['/tmp', '/var/run/postgresql'],
    memoryBytes: 512 * mebibyte,
    cpus: 2,
    // While it initialises, the server listens on a socket file only.
    ready: { postgres: { host, port: serverPorts.postgres.port } },
  }
}

function describeRedis({ host, password }: ServerPlace): Program {
  const { port } = serverPorts.redis
  const settings = '/etc/redis.conf'
  return {
    image: 'redis',
    command: ['redis-server', settings],
    env: {},
    files: { [settings]: redisSettings({ bind: everyAddress, port, dir: '/data', password }) },
    user: 'redis',
    memoryBytes: 256 * mebibyte,
    cpus: 2,
    ready: { tcp: { host, port } },
  }
}

function describeRestate({ host, timeouts }: ServerPlace): Program {
  const { port, controlPort } = serverPorts.restate
  return {
    image: 'restate',
    command: ['--no-logo', '--base-dir', '/restate-data'],
    env: restateEnvironment(everyAddress, port, controlPort, timeouts),
    memoryBytes: 1024 * mebibyte,
    cpus: 2,
    ready: { http: `http://${host}:${port}/restate/health` },
  }
}

/** It announces the address on which it listens to its own parts, so that is never every address. */
function describeTemporal({ host, storeUrl, timeouts }: ServerPlace): Program {
  const ports = serverPorts.temporal
  const settings = '/etc/temporal/dynamic-config.yaml'
  const env = temporalEnvironment({ host, ...ports, ...(storeUrl !== undefined && { storeUrl }) })
  const control = `http://${host}:${ports.controlPort}`
  return {
    image: 'temporal',
    command: [],
    env: { ...env, DYNAMIC_CONFIG_FILE_PATH: settings },
    files: { [settings]: dynamicConfig(timeouts) },
    memoryBytes: 1024 * mebibyte,
    cpus: 2,
    // Its image makes the tables, but only a server that runs makes a namespace.
    ready: { http: control + readyPath, make: onlyOnce((signal) => registerNamespace(control, signal)) },
  }
}

/** Its parts dial each other on loopback, wherever it listens. */
function describeDevServer({ host, timeouts }: ServerPlace): Program {
  const ports = serverPorts['temporal-dev']
  const place = { dataDir: '/var/lib/temporal', host: everyAddress, ...ports, timeouts }
  return {
    image: 'temporal-dev',
    command: devServerArgs(place),
    env: devServerEnvironment(place),
    memoryBytes: 1024 * mebibyte,
    cpus: 2,
    ready: { http: `http://${host}:${ports.controlPort}${readyPath}` },
  }
}
