import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { everyAddress } from '../_kit/addresses.ts'
import { install } from '../_kit/install.ts'
import { versionOf } from '../_kit/version.ts'
import type { ContainerPlace, ContainerProgram, Server } from '../server.ts'
import { readyPath } from '../temporal/namespace.ts'
import { devServerFromSource, installs } from './install.ts'
import { builtDevServer, findDevServer, whyNoDevServer } from './releases.ts'
import { command, devServerArgs, devServerEnvironment } from './settings.ts'

const server: Server = {
  name: 'temporal-dev',
  title: 'Temporal dev server',
  summary: 'the server of the Temporal command line tool, in one process on SQLite',
  version,
  whyNot: whyNoDevServer,
  installs,
  image: { versions: () => [builtDevServer().version], layOut },
  service: {
    ports: { port: 7233, control: 7243 },
    ready: { http: readyPath, control: true },
    endSignal: 'SIGKILL',
    process: { command },
    container,
  },
}
export default server

async function version(): Promise<string> {
  const { program, origin } = await findDevServer()
  return `${await versionOf(program)}, ${origin}`
}

/** Its parts dial each other on loopback, wherever it listens. */
function container({ port, controlPort, timeouts }: ContainerPlace): ContainerProgram {
  const place = { dataDir: '/var/lib/temporal', host: everyAddress, port, controlPort, timeouts }
  return { command: devServerArgs(place), env: devServerEnvironment(place), memoryBytes: 2 ** 30, cpus: 2 }
}

async function layOut(folder: string): Promise<void> {
  await install(devServerFromSource())
  await cp(builtDevServer().program, join(folder, 'temporal'))
}
