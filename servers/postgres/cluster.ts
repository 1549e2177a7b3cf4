import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { appendFile, chown, copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { HarnessError } from '../../harness/core/errors.ts'
import { ProgramError, runProgram } from '../../harness/os/program.ts'
import { findBinaries, mustReach, type ServerIdentity, serverIdentity } from './binaries.ts'
import type { ProcessCommand, ProcessPlace, Tables } from '../server.ts'
import { type Address, tryTcp } from '../../harness/os/readiness.ts'

/** Of every database. */
export const user = 'outlast'
/** Beside the data, copied with it: what a start and a login need. */
const factsFile = 'outlast.json'

interface Facts {
  readonly password: string
  readonly postgres: string
}

/** On top of what initdb chose, wherever it runs. Durability is PostgreSQL's default, said aloud: an acknowledged commit is on disk. */
export const serverSettings: Readonly<Record<string, string>> = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  max_connections: '200',
  shared_buffers: '64MB',
  tcp_keepalives_idle: '10',
  tcp_keepalives_interval: '5',
  tcp_keepalives_count: '3',
  client_connection_check_interval: '1s',
  log_min_messages: 'warning',
  log_checkpoints: 'off',
  // So that the database can say what its disk costs.
  track_wal_io_timing: 'on',
}

/** What initdb gets about how texts are kept. */
export const clusterFormat = [
  '--encoding',
  'UTF8',
  '--locale',
  'C',
  '--wal-segsize',
  '4',
  '--no-sync',
  '--no-instructions',
]

/** No socket file, nothing in /dev/shm: a killed server leaves its data and a few bytes of System V memory. */
const leaveNothing = { dynamic_shared_memory_type: 'mmap', unix_socket_directories: "''" }
/** The servers that initdb tries out and those that fill its tables leave as little. */
const initLeavesNothing = ['--set', 'dynamic_shared_memory_type=mmap']

/**
 * Create a database cluster to clone from: about a second, once per run. `dir` must not exist, its parent must.
 * PostgreSQL refuses to run as root; then the files belong to nobody, so that no user has to be added to the machine.
 * Rejects with the signal's reason when that aborts; then nothing writes there any more.
 */
export async function createTemplate(dir: string, signal?: AbortSignal): Promise<void> {
  const owner = serverIdentity()
  await mustReach(dirname(dir), owner)
  const { initdb, postgres } = await findBinaries(dirname(dir), owner)
  const facts: Facts = { password: randomBytes(18).toString('base64url'), postgres }
  await makeDirectory(dir, owner)
  await runInitdb({ initdb, dir, password: facts.password, owner, signal })
  await appendFile(join(dir, 'postgresql.conf'), configText({ ...serverSettings, ...leaveNothing }))
  await writeFile(join(dir, factsFile), JSON.stringify(facts), { mode: 0o600 })
}

/** Copy a template on which no server runs; `dataDir` must not exist. Shares blocks where the file system can. */
export async function cloneTemplate(template: string, dataDir: string): Promise<void> {
  const owner = serverIdentity()
  await mustReach(dirname(dataDir), owner)
  await copyTree(template, dataDir, owner)
}

/** How to start a server on a cloned template. It listens on `host:port` only and asks for the password. */
export async function command({ dataDir, host, port }: ProcessPlace): Promise<ProcessCommand> {
  const { postgres } = await readFacts(dataDir)
  const args = ['-D', dataDir, '-c', `listen_addresses=${host}`, '-c', `port=${port}`]
  return { command: postgres, args, env: {}, cwd: dataDir, ...serverIdentity() }
}

/** Of the clone in `dataDir`. */
export async function readPassword(dataDir: string): Promise<string> {
  return (await readFacts(dataDir)).password
}

/** The address at which a client reaches it through `host:port`. */
export function urlOf(address: string, password: string): string {
  return `postgres://${user}:${password}@${address}/postgres`
}

function configText(settings: Readonly<Record<string, string>>): string {
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`)
  return `\n${lines.join('')}`
}

async function readFacts(dataDir: string): Promise<Facts> {
  return JSON.parse(await readFile(join(dataDir, factsFile), 'utf8')) as Facts
}

interface NewCluster {
  readonly initdb: string
  readonly dir: string
  readonly password: string
  readonly owner: ServerIdentity
  readonly signal: AbortSignal | undefined
}

async function runInitdb({ initdb, dir, password, owner, signal }: NewCluster): Promise<void> {
  const pwfile = `${dir}.password`
  const login = ['--username', user, '--auth', 'scram-sha-256', '--pwfile', pwfile]
  try {
    await writeFile(pwfile, password, { mode: 0o600 })
    await own(pwfile, owner)
    const args = ['--pgdata', dir, ...login, ...clusterFormat, ...initLeavesNothing]
    await runProgram(initdb, args, { cwd: dir, env: {}, ...owner, ...(signal && { signal }) }).catch(
      (error: unknown) => {
        if (!(error instanceof ProgramError)) throw error
        throw new HarnessError(`PostgreSQL could not make its files in ${dir}: ${reasonOf(error)}`)
      },
    )
  } finally {
    await rm(pwfile, { force: true })
  }
}

/** The line of its output that says why, without those about what it does then. */
function reasonOf({ stderr, message }: ProgramError): string {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '')
  return (lines.find((line) => /FATAL|PANIC|error:/.test(line)) ?? lines[0] ?? message).trim()
}

async function copyTree(from: string, to: string, owner: ServerIdentity): Promise<void> {
  await makeDirectory(to, owner)
  const entries = await readdir(from, { withFileTypes: true })
  await Promise.all(
    entries.map(async (entry) => {
      const [source, target] = [join(from, entry.name), join(to, entry.name)]
      if (entry.isDirectory()) return copyTree(source, target, owner)
      await copyFile(source, target, constants.COPYFILE_FICLONE)
      await own(target, owner)
    }),
  )
}

async function makeDirectory(dir: string, owner: ServerIdentity): Promise<void> {
  await mkdir(dir, { mode: 0o700 })
  await own(dir, owner)
}

async function own(path: string, { uid, gid }: ServerIdentity): Promise<void> {
  if (uid !== undefined && gid !== undefined) await chown(path, uid, gid)
}

const templates = new Map<string, Promise<string>>()

/** The cluster to clone from. One is initialised per run and tables; every cell gets a copy. */
export function templateFor({
  temp,
  tables,
  signal,
}: {
  readonly temp: string
  readonly tables?: Tables | undefined
  readonly signal?: AbortSignal
}): Promise<string> {
  const folder = join(temp, `${tables?.name ?? 'postgres'}-template`)
  const make = tables?.make ?? createTemplate
  const made = templates.get(folder) ?? make(folder, signal).then(() => folder)
  templates.set(folder, made)
  return made
}

/** Whether it asks for a password instead of answering with an error: then it takes queries (PostgreSQL 18, 54.7). */
export function takesLogins(address: Address): Promise<boolean> {
  return tryTcp(address, (socket, settle) => {
    socket.once('data', (answer) => settle(answer.toString('latin1', 0, 1) === 'R'))
    socket.once('close', () => settle(false))
    socket.write(startupMessage)
  })
}

const startupMessage = startupMessageOf('user\0outlast\0database\0postgres\0\0')

function startupMessageOf(parameters: string): Buffer {
  const head = Buffer.alloc(8)
  head.writeInt32BE(head.length + parameters.length, 0)
  head.writeInt32BE(0x3_0000, 4)
  return Buffer.concat([head, Buffer.from(parameters)])
}
