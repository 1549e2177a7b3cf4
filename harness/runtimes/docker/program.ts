import type { DeployRequest } from '../../core/types.ts'
import type { Readiness } from '../programs/readiness.ts'
import { clusterFormat, serverSettings } from '../programs/postgres.ts'
import { serverSettings as redisSettings, urlOf as redisUrl } from '../programs/redis.ts'
import { serverEnvironment } from '../programs/restate.ts'
import type { Planned } from '../programs/topology.ts'

/** How a program is run in a container of its own, wherever that container is. */
export interface Program {
  readonly image: 'node' | 'postgres' | 'redis' | 'restate'
  readonly port: number
  readonly controlPort: number
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Content by path. */
  readonly files?: Readonly<Record<string, string>>
  readonly confined: boolean
  readonly memoryBytes: number
  readonly cpus: number
  readonly ready: (address: string) => Readiness
}

const mebibyte = 2 ** 20
const everyAddress = '0.0.0.0'

/** What each program needs: images are the official ones or have their interface. */
export function describeProgram(node: Planned, request: DeployRequest, password: string): Program {
  const { program } = node.service
  if (program === 'postgres') return describePostgres(password)
  if (program === 'redis') return describeRedis(password)
  if (program === 'restate') return describeRestate(request.timeouts)
  return describeOwn(node, request)
}

/** API nodes and executors: no privileges, a quarter of a gibibyte. */
function describeOwn({ name, service }: Planned, { env }: DeployRequest): Program {
  const port = 8080
  return {
    image: 'node',
    port,
    controlPort: port,
    command: [`patterns/${service.program}.ts`],
    env: { ...env, OUTLAST_NODE: name, OUTLAST_HOST: everyAddress, OUTLAST_PORT: String(port) },
    confined: true,
    memoryBytes: 256 * mebibyte,
    cpus: 1,
    ready: (address) => ({ http: `http://${address}:${port}/healthz` }),
  }
}

const user = 'outlast'

function describePostgres(password: string): Program {
  const port = 5432
  return {
    image: 'postgres',
    port,
    controlPort: port,
    command: ['postgres', ...Object.entries(serverSettings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    env: {
      POSTGRES_USER: user,
      POSTGRES_PASSWORD: password,
      POSTGRES_DB: 'postgres',
      POSTGRES_INITDB_ARGS: clusterFormat.join(' '),
    },
    confined: false,
    memoryBytes: 512 * mebibyte,
    cpus: 2,
    // While it initialises, the server listens on a socket file only.
    ready: (host) => ({ tcp: { host, port } }),
  }
}

function describeRedis(password: string): Program {
  const port = 6379
  const settings = '/etc/redis.conf'
  return {
    image: 'redis',
    port,
    controlPort: port,
    command: ['redis-server', settings],
    env: {},
    files: { [settings]: redisSettings({ bind: everyAddress, port, dir: '/data', password }) },
    confined: false,
    memoryBytes: 256 * mebibyte,
    cpus: 2,
    ready: (host) => ({ tcp: { host, port } }),
  }
}

/** A store's address through a link, with the credentials that it was started with. */
export function storeUrl(program: Planned['service']['program'], through: string, password: string): string {
  if (program === 'redis') return redisUrl(new URL(through).host, password)
  return `postgres://${user}:${password}@${new URL(through).host}/postgres`
}

function describeRestate(timeouts: DeployRequest['timeouts']): Program {
  const [port, controlPort] = [8080, 9070]
  return {
    image: 'restate',
    port,
    controlPort,
    command: ['--no-logo', '--base-dir', '/restate-data'],
    env: serverEnvironment(everyAddress, port, controlPort, timeouts),
    confined: false,
    memoryBytes: 1024 * mebibyte,
    cpus: 2,
    ready: (address) => ({ http: `http://${address}:${port}/restate/health` }),
  }
}
