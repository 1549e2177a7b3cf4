import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { describeError } from '../../harness/core/errors.ts'
import type { DeployRequest } from '../../harness/model/types.ts'
import { whyNotInstalled } from './binaries.ts'
import type { Outside } from '../../harness/runtimes/_shared/topology.ts'

const patienceMs = 3000
/** Status code of gRPC. */
const notFound = 5

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
  const failure = (await dial(host, Number(port))) ?? (await ask(address))
  return failure && `no Temporal server can be used at ${address}, which TEMPORAL_ADDRESS names: ${failure}`
}

function namespaceName(): string {
  return process.env['TEMPORAL_NAMESPACE'] || 'default'
}

/** Undefined when it is a Temporal server that has the namespace, else why not. */
async function ask(address: string): Promise<string | undefined> {
  const { Connection, isGrpcServiceError } = await import('@temporalio/client')
  const namespace = namespaceName()
  try {
    const connection = await Connection.connect({ address, tls: false, connectTimeout: patienceMs })
    const within = Date.now() + patienceMs
    await connection
      .withDeadline(within, () => connection.workflowService.describeNamespace({ namespace }))
      .finally(() => connection.close())
    return undefined
  } catch (error) {
    const code: number | undefined = isGrpcServiceError(error) ? error.code : undefined
    if (code === notFound)
      return `it has no namespace "${namespace}"; make it, or name another one in TEMPORAL_NAMESPACE`
    return `what listens there does not answer as one (${describeError(error)})`
  }
}

/** What of a deployment is left to start, and where the nodes find the rest; `engineSpace` ends the engine's address. */
export function useExistingTemporal<R extends DeployRequest>(
  request: R,
): R & { readonly outside: Outside; readonly engineSpace: string } {
  const engine = existingTemporal()
  const isTheirs = ({ program, schema }: R['services'][number]): boolean =>
    program === 'temporal' || schema === 'temporal'
  if (engine === undefined || !request.services.some(isTheirs)) return { ...request, engineSpace: '' }
  const namespace = namespaceName()
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
