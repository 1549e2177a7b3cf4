import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { onlyOnce } from '../../harness/core/once.ts'
import { install } from '../_kit/install.ts'
import { versionOf } from '../_kit/version.ts'
import type { ContainerPlace, ContainerProgram, Server } from '../server.ts'
import { findTemporal, temporalVersion } from './binaries.ts'
import { existing, existingAddress, whyNoTemporal } from './existing.ts'
import { temporalFromSource } from './install.ts'
import { readyPath, registerNamespace } from './namespace.ts'
import { command, dynamicConfig, innerPorts, serverEnvironment } from './settings.ts'
import { makeTables } from './tables.ts'

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
