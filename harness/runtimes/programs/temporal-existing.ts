import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import type { DeployRequest } from '../../core/types.ts'
import { whyNotInstalled } from './temporal-binaries.ts'
import type { Outside } from './topology.ts'

const patienceMs = 3000

/** `host:port` of a server that is there already, where the user names one; then none is started. */
export function existingTemporal(): string | undefined {
  return process.env['TEMPORAL_ADDRESS'] || undefined
}

/** Why there is no server to use, or undefined. */
export async function whyNoTemporal(): Promise<string | undefined> {
  const address = existingTemporal()
  if (address === undefined) return whyNotInstalled()
  const [, host, port] = /^([\w.-]+):(\d{1,5})$/.exec(address) ?? []
  if (host === undefined) return `TEMPORAL_ADDRESS is "${address}": write host:port`
  const failure = await dial(host, Number(port))
  return failure && `no Temporal server answers at ${address}, which TEMPORAL_ADDRESS names: ${failure}`
}

/** What of a deployment is left to start, and where the nodes find the rest; `engineSpace` ends the engine's address. */
export function useExistingTemporal<R extends DeployRequest>(
  request: R,
): R & { readonly outside: Outside; readonly engineSpace: string } {
  const engine = existingTemporal()
  const isTheirs = ({ program, schema }: R['services'][number]): boolean =>
    program === 'temporal' || schema === 'temporal'
  if (engine === undefined || !request.services.some(isTheirs)) return { ...request, engineSpace: '' }
  const namespace = process.env['TEMPORAL_NAMESPACE'] || 'default'
  return {
    ...request,
    services: request.services.filter((service) => !isTheirs(service)),
    outside: { ...request.outside, engine },
    // Other cells may use the server at the same time, with the same keys.
    engineSpace: `/${namespace}/${randomUUID().slice(0, 8)}`,
  }
}

/** Undefined when somebody accepts the connection, else why not. */
function dial(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: patienceMs })
    const settle = (failure?: string): void => {
      socket.destroy()
      resolve(failure)
    }
    socket
      .once('connect', () => settle())
      .once('error', (error: NodeJS.ErrnoException) => settle(error.code ?? error.message))
      .once('timeout', () => settle(`no answer within ${patienceMs / 1000} s`))
  })
}
