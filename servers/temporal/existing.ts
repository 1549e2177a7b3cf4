import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { describeError } from '../../harness/core/errors.ts'
import type { ExistingServer } from '../server.ts'
import { whyNotInstalled } from './binaries.ts'

const patienceMs = 3000
/** Status code of gRPC. */
const notFound = 5

const variable = 'TEMPORAL_ADDRESS'

/** The server that the user names, or undefined: then one of ours is started. */
export function existing(): ExistingServer | undefined {
  const address = existingAddress()
  if (address === undefined) return undefined
  // Other cells may use the server at the same time, with the same keys.
  return { address, variable, space: `/${namespaceName()}/${randomUUID().slice(0, 8)}` }
}

export function existingAddress(): string | undefined {
  return process.env[variable] || undefined
}

/** Why there is no server to use, or undefined. */
export async function whyNoTemporal(): Promise<string | undefined> {
  const address = existingAddress()
  if (address === undefined) return whyNotInstalled()
  const [, host, port] = /^([\w.-]+):(\d{1,5})$/.exec(address) ?? []
  if (host === undefined) return `${variable} is "${address}": write host:port`
  const failure = (await dial(host, Number(port))) ?? (await ask(address))
  return failure && `no Temporal server can be used at ${address}, which ${variable} names: ${failure}`
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

/** Undefined when the connection is accepted, else why not. */
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
