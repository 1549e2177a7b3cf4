import type { DeployRequest } from '../../../model/runtime.ts'
import type { Service } from '../../../../patterns/contract/types/engine.ts'
import type { Readiness } from '../../../os/readiness.ts'
import { type ContainerProgram, readinessOf } from '../../../../servers/server.ts'
import { isEntry, nodeFlags, serverOf } from '../../_shared/servers.ts'
import type { ContainerSpec } from './configured-container.ts'

/** How a service is run in a container of its own. */
export interface Program extends Omit<ContainerProgram, 'make'>, Pick<ContainerSpec, 'isForeign'> {
  /** Of a foreign one: its reference. */
  readonly image: string
  readonly ready: Readiness
}

/** A container about to be made: who it is in this life, where, and whom it dials. */
export interface ProgramPlace {
  readonly name: string
  /** Drawn for it: its health says so, and that of no other program does. */
  readonly start: string
  readonly host: string
  /** As environment variables (`patterns/contract/settings.ts`). */
  readonly addresses: Readonly<Record<string, string>>
  /** Of the store. */
  readonly password: string
}

const ownPort = 8080

/** Where a program listens, wherever its container is. */
export function portsOf(service: Service): { readonly port: number; readonly controlPort: number } {
  if (isEntry(service.program)) return { port: ownPort, controlPort: ownPort }
  const { port, control } = serverOf(service).service.ports
  return { port, controlPort: control ?? port }
}

export function describeProgram(
  service: Service,
  place: ProgramPlace,
  request: Pick<DeployRequest, 'env' | 'apiEnv' | 'timeouts'>,
): Program {
  if (isEntry(service.program)) {
    const apiEnv = service.program === 'serve' ? request.apiEnv : {}
    return describeEntry(service.program, place, { ...request.env, ...apiEnv })
  }
  const { name, service: server, isForeign, image } = serverOf(service)
  const { name: node, host, password, addresses } = place
  const at = { host, ...portsOf(service) }
  const storeUrl = addresses['OUTLAST_STORE_URL']
  const env = { ...request.env, ...addresses, OUTLAST_NODE: node }
  const { make, ...program } = server.container!({ ...at, env, password, storeUrl, timeouts: request.timeouts })
  const own = isForeign ? { image: image!.pin!, isForeign } : { image: name }
  return { ...program, ...own, ready: { ...readinessOf(server.ready, at), ...(make && { make }) } }
}

/** API nodes and executors: no privileges, a quarter of a gibibyte. */
function describeEntry(
  program: 'serve' | 'work',
  { name, start, host, addresses }: ProgramPlace,
  env: Readonly<Record<string, string>>,
): Program {
  const own = { OUTLAST_NODE: name, OUTLAST_HOST: '0.0.0.0', OUTLAST_PORT: String(ownPort), OUTLAST_START: start }
  return {
    image: 'node',
    command: [...nodeFlags(program), `patterns/${program}.ts`],
    env: { ...env, ...addresses, ...own },
    writable: ['/tmp'],
    memoryBytes: 256 * 2 ** 20,
    cpus: 1,
    ready: { http: `http://${host}:${ownPort}/healthz`, start },
  }
}
