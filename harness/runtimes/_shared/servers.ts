import { describeError, HarnessError } from '../../core/errors.ts'
import type { Service } from '../../../patterns/contract/types/engine.ts'
import { servers } from '../../../servers/all.ts'
import type { NodeServer, OwnService, Server, Tables } from '../../../servers/server.ts'

/** Whether a program is an entry in `patterns/`; all others are servers. */
export function isEntry(program: string): program is 'serve' | 'work' {
  return program === 'serve' || program === 'work'
}

/** V8's young generation grows with a burst of thousands of connections, and stays grown: API nodes have a bound. */
export function nodeFlags(program: 'serve' | 'work'): readonly string[] {
  return program === 'serve' ? ['--max-semi-space-size=8'] : []
}

function bringsServer(service: object): service is OwnService {
  return 'server' in service
}

/** The server that a service brings, or names. Throws HarnessError where `servers/` has none of that name for nodes. */
export function serverOf(service: Pick<Service, 'program'>): NodeServer {
  if (bringsServer(service)) return service.server
  const { program } = service
  const server = servers.get(program)
  if (server && isNodeServer(server)) return server
  const names = [...servers.values()].filter(isNodeServer).map(({ name }) => name)
  throw new HarnessError(`there is no program "${program}" for a service; there is serve, work, ${names.join(', ')}`)
}

/** Those of these services, each once. */
export function serversOf(services: readonly Service[]): readonly NodeServer[] {
  return [...new Set(services.filter(({ program }) => !isEntry(program)).map(serverOf))]
}

/** The tables that a store has before its first start. Undefined: none. */
export function tablesOf({ schema }: Service): Tables | undefined {
  if (schema === undefined) return undefined
  const { name, title, service } = serverOf({ program: schema })
  if (!service.makeTables) throw new HarnessError(`${title} has no tables that a store could have: schema "${schema}"`)
  return { name, make: service.makeTables }
}

/** How clients reach a store at any `host:port`, with its credentials where it has any. */
export function loginTo(store: Service, password: string): (address: string) => string {
  const { store: access } = serverOf(store).service
  return (address) => access?.url(address, password) ?? `http://${address}`
}

/** Of those that have a release and npm does not install, among these services, each with what it says of itself. */
export async function describeServers(services: readonly Service[]): Promise<Readonly<Record<string, string>>> {
  const described = serversOf(services).flatMap(({ name, version, isFromNpm }) =>
    version && !isFromNpm
      ? [
          version().then(
            (said) => [name, said] as const,
            (error: unknown) => [name, describeError(error)] as const,
          ),
        ]
      : [],
  )
  return Object.fromEntries(await Promise.all(described))
}

/** `Runtime.endSignalOf` of processes. */
export function endSignalOf(command: string): NodeJS.Signals | undefined {
  return [...servers.values()].find(({ service }) => service?.keepsKernelObjects?.(command))?.service!.endSignal
}

function isNodeServer(server: Server): server is NodeServer {
  return server.service !== undefined
}
