import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { onlyOnce } from '../../harness/core/async.ts'
import { install } from '../_kit/install.ts'
import { versionOf } from '../_kit/command.ts'
import type { ContainerPlace, ContainerProgram, Server, ExistingServer } from '../server.ts'
import { findTemporal, temporalVersion, temporalFromSource, whyNotInstalled } from './binaries.ts'
import { readyPath, registerNamespace } from './namespace.ts'
import { command, dynamicConfig, innerPorts, serverEnvironment } from './settings.ts'
import { makeTables } from './tables.ts'
import { describeError } from '../../harness/core/errors.ts'

const server: Server = {
  name: 'temporal',
  title: 'Temporal',
  summary: 'the server of the Temporal project, with its databases in PostgreSQL',
  version,
  whyNot: whyNoTemporal,
  installs: [{ name: 'temporal', isUsual: true, choose: async () => temporalFromSource() }],
  image: { versions: () => [temporalVersion], layOut },
  service: {
    ports: { port: 7233, control: 7243, inner: innerPorts, areLow: true },
    ready: { http: readyPath, control: true },
    endSignal: 'SIGKILL',
    makeTables,
    existing,
    process: { command },
    container,
  },
}
export default server

async function version(): Promise<string> {
  const missing = await whyNoTemporal()
  if (missing !== undefined) throw new Error(missing)
  const address = existingAddress()
  if (address !== undefined) return `${address} answers (TEMPORAL_ADDRESS)`
  return versionOf((await findTemporal()).server)
}

/** It announces the address on which it listens to its own parts, so that is never every address. */
function container({ host, port, controlPort, storeUrl, timeouts }: ContainerPlace): ContainerProgram {
  const settings = '/etc/temporal/dynamic-config.yaml'
  const control = `http://${host}:${controlPort}`
  return {
    command: [],
    env: { ...serverEnvironment({ host, port, controlPort, storeUrl }), DYNAMIC_CONFIG_FILE_PATH: settings },
    files: { [settings]: dynamicConfig(timeouts) },
    memoryBytes: 2 ** 30,
    cpus: 2,
    // Its image makes the tables, but only a server that runs makes a namespace.
    make: onlyOnce((signal: AbortSignal) => registerNamespace(control, signal)),
  }
}

/** Built as for runs without containers, and kept there. */
async function layOut(folder: string): Promise<void> {
  await install(temporalFromSource())
  const { server, sql } = await findTemporal()
  await cp(server, join(folder, 'temporal-server'))
  await cp(sql, join(folder, 'temporal-sql-tool'))
}

const patienceMs = 3000
/** Status code of gRPC. */
const notFound = 5

const variable = 'TEMPORAL_ADDRESS'

/** The server that the user names, or undefined: then one of ours is started. */
function existing(): ExistingServer | undefined {
  const address = existingAddress()
  if (address === undefined) return undefined
  // Other cells may use the server at the same time, with the same keys.
  return { address, variable, space: `/${namespaceName()}/${randomUUID().slice(0, 8)}` }
}

function existingAddress(): string | undefined {
  return process.env[variable] || undefined
}

/** Why there is no server to use, or undefined. */
async function whyNoTemporal(): Promise<string | undefined> {
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
