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
import { install } from '../_kit/install.ts'
import { versionOf } from '../_kit/command.ts'
import { readyPath, namespace } from '../temporal/namespace.ts'
import {
  builtDevServer,
  devServerForImages,
  devServerFromSource,
  findDevServer,
  installs,
  whyNoDevServer,
} from './install.ts'
import { keepAliveSettings } from '../temporal/settings.ts'

const server: Server = {
  name: 'temporal-dev',
  title: 'Temporal dev server',
  summary: 'the server of the Temporal command line tool, in one process on SQLite',
  version,
  whyNot: whyNoDevServer,
  installs,
  image: {
    versions: () => [devServerForImages().version],
    origin: () => devServerForImages().origin,
    layOut,
  },
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
  if (devServerForImages().version === builtDevServer().version) await install(devServerFromSource())
  const { program } = await findDevServer()
  await cp(program, join(folder, 'temporal'))
}

/** How to start the CLI's dev server: the server's services in one process with one history shard. */
async function command(request: ProcessPlace): Promise<ProcessCommand> {
  return {
    command: (await findDevServer()).program,
    args: devServerArgs(request),
    env: devServerEnvironment(request),
    cwd: request.dataDir,
  }
}

/** One connection to SQLite, whose file is synced at every commit; without a file a crash would lose everything. */
function devServerArgs(request: ProcessPlace): readonly string[] {
  const { dataDir, host, port, controlPort, timeouts = {} } = request
  const settings = keepAliveSettings(timeouts).flatMap(([name, text]) => [
    '--dynamic-config-value',
    `${name}="${text}"`,
  ])
  const place = ['--ip', host, '--port', String(port), '--http-port', String(controlPort)]
  const file = ['--db-filename', join(dataDir, 'temporal.db')]
  const pragmas = ['--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=2']
  return ['server', 'start-dev', '--headless', '--namespace', namespace, ...place, ...file, ...pragmas, ...settings]
}

/** Else it reads and writes a configuration below the user's home. */
function devServerEnvironment({ dataDir }: Pick<ProcessPlace, 'dataDir'>): Readonly<Record<string, string>> {
  return { HOME: dataDir }
}
