import { randomBytes } from 'node:crypto'
import { access, constants, mkdir, readFile, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import {
  everyAddress,
  type ContainerPlace,
  type ContainerProgram,
  type Server,
  type ProcessCommand,
  type ProcessPlace,
} from '../server.ts'
import { versionOf, whyNot } from '../_kit/command.ts'
import { HarnessError } from '../../harness/core/errors.ts'

const server: Server = {
  name: 'redis',
  title: 'Redis',
  summary: 'a store in memory whose log is synced before it answers',
  version: async () => versionOf(await findServer()),
  whyNot: () => whyNot(findServer),
  image: {
    pin: 'docker.io/library/redis:7.2.14-alpine3.21@sha256:dfa18828cbc07b3ae6a95ec7343f6c214fdee2d836197b4be8e9904420762cd8',
  },
  service: {
    ports: { port: 6379 },
    ready: 'tcp',
    endSignal: 'SIGKILL',
    store: { url: (address, password) => `redis://:${password}@${address}` },
    process: { prepare: createData, password: readPassword, command },
    container,
  },
}
export default server

function container({ port, password }: ContainerPlace): ContainerProgram {
  const settings = '/etc/redis.conf'
  return {
    command: ['redis-server', settings],
    env: {},
    files: { [settings]: serverSettings({ bind: everyAddress, port, dir: '/data', password }) },
    user: 'redis',
    memoryBytes: 256 * 2 ** 20,
    cpus: 2,
  }
}

/** In the data folder: what a start and a login need, readable by its owner alone. */
const files = { password: 'password', settings: 'redis.conf' } as const

/** As durable as PostgreSQL: on the disk before the answer. No snapshot or rewriting, which fork, and no eviction. */
const durability = [
  ['appendonly', 'yes'],
  ['appendfsync', 'always'],
  ['save', '""'],
  ['auto-aof-rewrite-percentage', '0'],
  ['maxmemory-policy', 'noeviction'],
  ['loglevel', 'warning'],
] as const

/** The settings of a server: in a file, since everybody can read a process's arguments. */
export function serverSettings({
  bind,
  port,
  dir,
  password,
}: Record<'bind' | 'dir' | 'password', string> & { port: number }) {
  const own = [
    ['bind', bind],
    ['port', String(port)],
    ['dir', JSON.stringify(dir)],
    ['requirepass', password],
  ]
  return [...own, ...durability].map(([name, value]) => `${name} ${value}\n`).join('')
}

/** Letters and digits only: it goes into a file of settings and into an address. */
function newPassword(): string {
  return randomBytes(24).toString('hex')
}

export async function createData(dataDir: string): Promise<void> {
  await mkdir(dataDir, { mode: 0o700 })
  await writeFile(join(dataDir, files.password), newPassword(), { mode: 0o600 })
}

/** How to start a server in such a folder. It listens on `host:port` only and asks for the password. */
export async function command({ dataDir, host, port }: ProcessPlace): Promise<ProcessCommand> {
  const settings = serverSettings({ bind: host, port, dir: dataDir, password: await readPassword(dataDir) })
  await writeFile(join(dataDir, files.settings), settings, { mode: 0o600 })
  return { command: await findServer(), args: [files.settings], env: {}, cwd: dataDir }
}

/** `redis-server` on the PATH: npm has none. Throws HarnessError that says how to get one. */
async function findServer(): Promise<string> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, 'redis-server')
    if (folder !== '' && (await isExecutable(path))) return path
  }
  throw new HarnessError('there is no redis-server on the PATH: apt-get install redis-server, or brew install redis')
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}

/** Of the server of this folder. */
export async function readPassword(dataDir: string): Promise<string> {
  return readFile(join(dataDir, files.password), 'utf8')
}
