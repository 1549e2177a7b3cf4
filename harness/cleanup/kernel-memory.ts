import { lstatSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describeError } from '../core/errors.ts'
import { readSmall } from '../core/own-file.ts'
import { isOurUid } from '../os/label.ts'
import { runProgram } from '../os/program.ts'

/** System V shared memory or semaphores: the kernel keeps them when their maker is dead. */
interface KernelObject {
  readonly kind: 'shared memory segment' | 'semaphore set'
  readonly id: number
  readonly key: number
  readonly uid: number
  /** Who made it; semaphores do not say. */
  readonly creator?: number
  /** How many processes have it in their memory; of semaphores nobody counts. */
  readonly attached: number
  readonly bytes?: number
  /** To the second. */
  readonly changedAtMs: number
}

/** What is known of the run whose objects are looked for. */
interface ObjectsOf {
  /** Where its databases are; it still exists. */
  readonly folder: string | undefined
  /** Processes that carried its label. */
  readonly pids: ReadonlySet<number>
  /** Younger than the run is. */
  readonly sinceMs: number
}

/** PostgreSQL takes the next key where one is taken. */
const keysTried = 16

/**
 * Those that a run left: of this user, without a user process, younger than the run. One more thing must hold: a
 * process with the run's label made it, or a database's postmaster.pid names it, or its key is derived from a
 * database's folder. Empty where there is no /proc.
 */
export function findObjects({ folder, pids, sinceMs }: ObjectsOf): readonly KernelObject[] {
  const databases = folder === undefined ? [] : findDatabases(folder)
  // Of the same user as the database: what that one may write there says nothing about what others have.
  const isOfDatabase = ({ kind, id, key, uid }: KernelObject): boolean =>
    databases.some((one) => {
      const hasKey = key >= keyOf(one.inode) && key < keyOf(one.inode) + keysTried
      return one.uid === uid && (hasKey || (kind === 'shared memory segment' && one.segment === id))
    })
  const isOfRun = (one: KernelObject): boolean =>
    (one.creator !== undefined && pids.has(one.creator)) || isOfDatabase(one)
  // Their clock counts whole seconds.
  const isYoung = ({ changedAtMs }: KernelObject): boolean => changedAtMs + 1000 > sinceMs
  return listObjects().filter((one) => isOurUid(one.uid) && one.attached === 0 && isYoung(one) && isOfRun(one))
}

/** Resolves with a sentence on each that is still there. */
export async function removeObjects(objects: readonly KernelObject[]): Promise<readonly string[]> {
  const refusals = new Map<string, string>()
  for (const one of objects)
    await runProgram('ipcrm', [one.kind === 'semaphore set' ? '-s' : '-m', String(one.id)], { timeoutMs: 5_000 }).catch(
      (error: unknown) => refusals.set(nameOf(one), describeError(error)),
    )
  const remaining = new Set(listObjects().map(nameOf))
  return objects
    .map(nameOf)
    .filter((name) => remaining.has(name))
    .map((name) => `${name}: ${refusals.get(name) ?? 'it came back'}`)
}

function listObjects(): readonly KernelObject[] {
  const segments = table('shm').map((row): KernelObject => {
    const { shmid: id = 0, key = 0, uid = 0, cpid: creator = 0, nattch: attached = 0, size: bytes = 0, ctime = 0 } = row
    return { kind: 'shared memory segment', id, key, uid, creator, attached, bytes, changedAtMs: ctime * 1000 }
  })
  const semaphores = table('sem').map(({ semid: id = 0, key = 0, uid = 0, ctime = 0 }): KernelObject => {
    return { kind: 'semaphore set', id, key, uid, attached: 0, changedAtMs: ctime * 1000 }
  })
  return [...segments, ...semaphores]
}

/** One row per object, by the names in the first line (proc_sysvipc_shm(5)). Keys are signed there. */
function table(name: 'shm' | 'sem'): readonly Readonly<Record<string, number>>[] {
  try {
    const [head = '', ...rows] = readFileSync(`/proc/sysvipc/${name}`, 'utf8').trim().split('\n')
    const columns = head.trim().split(/\s+/)
    return rows.map((row) => {
      const values = row.trim().split(/\s+/).map(Number)
      const fields = Object.fromEntries(columns.map((column, i) => [column, values[i]!]))
      return { ...fields, key: fields['key']! >>> 0 }
    })
  } catch {
    return []
  }
}

interface Database {
  readonly uid: number
  readonly inode: bigint
  /** The segment that a server there wrote down. */
  readonly segment?: number
}

/** Folders below this one in which PostgreSQL has begun to make its files. Links are not followed. */
function findDatabases(folder: string): readonly Database[] {
  let entries
  try {
    entries = readdirSync(folder, { withFileTypes: true })
  } catch {
    return []
  }
  if (entries.some(({ name }) => name === 'pg_wal' || name === 'postmaster.pid')) return [databaseIn(folder)]
  return entries.filter((entry) => entry.isDirectory()).flatMap(({ name }) => findDatabases(join(folder, name)))
}

const maxPidFileBytes = 4_096

/** Line 7 of postmaster.pid has the key and the id. It is not ours where the server runs as nobody. */
function databaseIn(folder: string): Database {
  const { ino: inode, uid: owner } = statSync(folder, { bigint: true })
  const database = { inode, uid: Number(owner) }
  try {
    const lines = readSmall(join(folder, 'postmaster.pid'), maxPidFileBytes).split('\n')
    const segment = /^ *\d+ +(\d+)/.exec(lines[6] ?? '')?.[1]
    return { ...database, ...(segment !== undefined && { segment: Number(segment) }) }
  } catch {
    return database
  }
}

/** `IpcMemoryKey` is the low half of the inode's number. */
function keyOf(inode: bigint): number {
  return Number(inode & 0xffff_ffffn)
}

function nameOf({ kind, id, bytes }: KernelObject): string {
  return `${kind} ${id}${bytes === undefined ? '' : ` (${bytes} bytes)`}`
}

/** POSIX shared memory is a file here; it stays until a process unlinks it. */
const place = '/dev/shm/'

/** The files of POSIX shared memory that a process has in its memory or open. Empty where there is no /proc. */
export function sharedFilesOf(pid: number): readonly string[] {
  const mapped = (attempt(() => readFileSync(`/proc/${pid}/maps`, 'utf8')) ?? '').split('\n')
  const paths = mapped.flatMap((line) => (line.includes(place) ? [line.slice(line.indexOf(place))] : []))
  const open = (attempt(() => readdirSync(`/proc/${pid}/fd`)) ?? []).flatMap(
    (fd) => attempt(() => readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? [],
  )
  const all = [...paths, ...open.filter((path) => path.startsWith(place))]
  return [...new Set(all)].filter((path) => !path.endsWith(' (deleted)'))
}

/** Remove those of this user that nobody uses any more. Returns a sentence on each that could not be removed. */
export function removeSharedFiles(paths: readonly string[]): readonly string[] {
  const ours = paths.filter((path) => isOurFile(path))
  if (ours.length === 0) return []
  const used = new Set(
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => sharedFilesOf(Number(pid))),
  )
  return ours
    .filter((path) => !used.has(path))
    .flatMap((path) => {
      try {
        rmSync(path, { force: true })
        return []
      } catch (error) {
        return [`shared memory ${path}: ${describeError(error)}`]
      }
    })
}

function isOurFile(path: string): boolean {
  const found = attempt(() => lstatSync(path))
  return found !== undefined && found.isFile() && isOurUid(found.uid)
}

/** What has ended in between, or is another user's, is undefined. */
function attempt<T>(action: () => T): T | undefined {
  try {
    return action()
  } catch {
    return undefined
  }
}
