import type { DeployRequest, ServiceSpec } from '../../../model/types.ts'
import { urlOf as redisUrl } from '../../../../servers/redis/settings.ts'
import { type Program, serverPorts, servers, user } from './servers.ts'

/** A container about to be made: who it is in this life, where, and whom it dials. */
export interface ProgramPlace {
  readonly name: string
  /** Drawn for it: its health says so, and nobody else's does. */
  readonly start: string
  readonly host: string
  /** As environment variables (`patterns/contract/server/settings.ts`). */
  readonly addresses: Readonly<Record<string, string>>
  /** Of the store. */
  readonly password: string
}

const mebibyte = 2 ** 20
const ownPorts = { port: 8080, controlPort: 8080 }

/** Where a program listens, wherever its container is. */
export function portsOf({ program }: ServiceSpec): { readonly port: number; readonly controlPort: number } {
  return program === 'serve' || program === 'work' ? ownPorts : serverPorts[program]
}

/** How a service is run in a container of its own. */
export function describeProgram(
  service: ServiceSpec,
  place: ProgramPlace,
  request: Pick<DeployRequest, 'env' | 'timeouts'>,
): Program {
  const { program } = service
  if (program === 'serve' || program === 'work') return describeOwn(service, place, request)
  const { host, password, addresses } = place
  return servers[program]({ host, password, timeouts: request.timeouts, storeUrl: addresses['OUTLAST_STORE_URL'] })
}

/** API nodes and executors: no privileges, a quarter of a gibibyte. */
function describeOwn(
  { program }: ServiceSpec,
  { name, start, host, addresses }: ProgramPlace,
  { env }: Pick<DeployRequest, 'env'>,
): Program {
  const { port } = ownPorts
  const own = { OUTLAST_NODE: name, OUTLAST_HOST: '0.0.0.0', OUTLAST_PORT: String(port), OUTLAST_START: start }
  return {
    image: 'node',
    command: [`patterns/${program}.ts`],
    env: { ...env, ...addresses, ...own },
    writable: ['/tmp'],
    memoryBytes: 256 * mebibyte,
    cpus: 1,
    ready: { http: `http://${host}:${port}/healthz`, start },
  }
}

/** A store's address through a link, with the credentials that it was started with. */
export function storeUrl(program: ServiceSpec['program'], through: string, password: string): string {
  if (program === 'redis') return redisUrl(new URL(through).host, password)
  return `postgres://${user}:${password}@${new URL(through).host}/postgres`
}
