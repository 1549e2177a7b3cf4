import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import {
  everyAddress,
  type ContainerPlace,
  type ContainerProgram,
  type Server,
  type ProcessCommand,
  type ProcessPlace,
} from '../server.ts'
import { installCommand, packageVersion, resolveBeside } from '../_kit/npm.ts'
import { versionOf, whyNot } from '../_kit/command.ts'
import { HarnessError } from '../../harness/core/errors.ts'

const server: Server = {
  name: 'restate',
  title: 'Restate',
  summary: 'a server that pushes work to services and journals every step',
  isFromNpm: true,
  version: async () => versionOf(serverBinary()),
  whyNot: () => whyNot(serverBinary),
  image: {
    pin: 'docker.io/restatedev/restate:1.7.12@sha256:bb9c93ab92bb401548841b35dba0e7236a3b108bc1d7d4c06a8f3ece46b80d4b',
    versions: () => [packageVersion('@restatedev/restate-server')],
    layOut: (folder) => cp(serverBinary(), join(folder, 'restate-server')),
  },
  service: {
    ports: { port: 8080, control: 9070 },
    ready: { http: '/restate/health' },
    endSignal: 'SIGKILL',
    process: { command },
    container,
  },
}
export default server

function container({ port, controlPort, timeouts }: ContainerPlace): ContainerProgram {
  return {
    command: ['--no-logo', '--base-dir', '/restate-data'],
    env: serverEnvironment(everyAddress, port, controlPort, timeouts),
    memoryBytes: 2 ** 30,
    cpus: 2,
  }
}

/**
 * The server as shipped, with three exceptions. It has two TCP ports on one address and no more (its own fabric is a
 * socket in the data directory). It has memory for a few thousand invocations instead of a whole machine. It sends
 * nothing to its makers. Durability stays as shipped: the write-ahead log is synced before an answer.
 */
const settings = {
  DO_NOT_TRACK: '1',
  RESTATE_DISABLE_TELEMETRY: 'true',
  RESTATE_CLUSTER_NAME: 'outlast',
  RESTATE_NODE_NAME: 'engine',
  RESTATE_LISTEN_MODE: 'unix',
  RESTATE_INGRESS__LISTEN_MODE: 'tcp',
  RESTATE_ADMIN__LISTEN_MODE: 'tcp',
  RESTATE_ADMIN__DISABLE_WEB_UI: 'true',
  RESTATE_DEFAULT_NUM_PARTITIONS: '2',
  RESTATE_ROCKSDB_TOTAL_MEMORY_SIZE: '256MB',
  RESTATE_BIFROST__RECORD_CACHE_MEMORY_SIZE: '32MB',
  RESTATE_ADMIN__QUERY_ENGINE__MEMORY_SIZE: '64MB',
  RESTATE_WORKER__INVOKER__MEMORY_LIMIT: '512MB',
  RESTATE_WORKER__INVOKER__CONCURRENT_INVOCATIONS_LIMIT: '10000',
  RESTATE_SHUTDOWN_TIMEOUT: '5s',
  RESTATE_LOG_FILTER: 'warn,octocrab=off',
  RESTATE_LOG_DISABLE_ANSI_CODES: 'true',
}

/** How to start a server with its data below `dataDir`. `port` is the ingress, `controlPort` the administration. */
async function command({ dataDir, host, port, controlPort, timeouts = {} }: ProcessPlace): Promise<ProcessCommand> {
  const temporary = {
    // It spills invocations into the temporary directory, and leaves them there when it is killed.
    TMPDIR: dataDir,
  }
  return {
    command: serverBinary(),
    // Relative to the working directory: the path of a Unix socket may have no more than 107 bytes.
    args: ['--no-logo', '--base-dir', '.'],
    env: { ...serverEnvironment(host, port, controlPort, timeouts), ...temporary },
    cwd: dataDir,
  }
}

/** The environment of a server that listens on `host`: `port` is the ingress, `controlPort` the administration. */
function serverEnvironment(
  host: string,
  port: number,
  controlPort: number,
  timeouts: Readonly<Record<string, number>>,
): Readonly<Record<string, string>> {
  return {
    ...settings,
    ...scaledSettings(timeouts),
    RESTATE_INGRESS__BIND_ADDRESS: `${host}:${port}`,
    RESTATE_ADMIN__BIND_ADDRESS: `${host}:${controlPort}`,
  }
}

/** Those of the server's own timeouts that the engine states. */
function scaledSettings(timeouts: Readonly<Record<string, number>>): Record<string, string> {
  const names = {
    keepAliveIntervalMs: 'RESTATE_WORKER__INVOKER__HTTP2_KEEP_ALIVE_INTERVAL',
    keepAliveTimeoutMs: 'RESTATE_WORKER__INVOKER__HTTP2_KEEP_ALIVE_TIMEOUT',
    connectTimeoutMs: 'RESTATE_WORKER__INVOKER__CONNECT_TIMEOUT',
  }
  const stated = Object.entries(names).filter(([name]) => timeouts[name] !== undefined)
  return Object.fromEntries(stated.map(([name, variable]) => [variable, `${timeouts[name]}ms`]))
}

/** The server that npm installed for this platform. Throws HarnessError when it installed none. */
function serverBinary(): string {
  const name = `@restatedev/restate-server-${process.platform}-${process.arch}`
  try {
    return resolveBeside('@restatedev/restate-server/package.json', `${name}/bin/restate-server`)
  } catch {
    const mend = `${installCommand(['@restatedev/restate-server'])} installs ${name} where there is one`
    throw new HarnessError(`npm installed no Restate server for ${process.platform}-${process.arch}; ${mend}`)
  }
}
