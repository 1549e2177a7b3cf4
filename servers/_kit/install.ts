import { mkdir, rename, rm, chmod, readdir, stat, access, constants } from 'node:fs/promises'
import { dirname, isAbsolute, join } from 'node:path'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { say, run } from './command.ts'
import { programFlaw, sharedFolderFlaw, UntrustedFile } from '../../harness/core/own-file.ts'
import { describeError, HarnessError } from '../../harness/core/errors.ts'
import { isCheckout } from '../../harness/core/own-package.ts'

/** One thing that `outlast install` installs, by the name that it takes. */
export interface Installable {
  readonly name: string
  /** Installed where no name is given. */
  readonly isUsual?: true
  /** What it is on this machine: how it is made may depend on the tools that are here. */
  choose(): Promise<Installation>
}

export interface Installation {
  readonly title: string
  readonly folder: string
  isThere(): Promise<boolean>
  /** Put it into this folder, which is there and empty. */
  fill(folder: string): Promise<void>
}

/** The command that installs it. */
export function commandFor(name: string): string {
  return isCheckout ? `npm run engines:install -- ${name}` : `npx outlast install ${name}`
}

/** One after the other: two compilers at once need the memory of both and no less time. */
let last: Promise<unknown> = Promise.resolve()

/** Make it, unless it is there. Throws HarnessError with what the tool said, or with how to get one. */
export function install(wanted: Installation): Promise<void> {
  const made = last.then(() => provide(wanted))
  last = made.catch(() => {})
  return made
}

/** Complete or absent: made under another name first. */
async function provide({ title, folder, isThere, fill }: Installation): Promise<void> {
  if (await isThere()) return say(`${title}: is there, in ${folder}`)
  // What others could write into would not be run.
  process.umask(process.umask() | 0o022)
  const partial = `${folder}.${process.pid}`
  const started = performance.now()
  await mkdir(partial, { recursive: true })
  try {
    await fill(partial)
    await rename(partial, folder).catch(async (error: unknown) => {
      // Another install was as far first.
      if (!(await isThere())) throw error
    })
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
  say(`${title}: ready after ${((performance.now() - started) / 1000).toFixed(0)} s, in ${folder}`)
}

/** Let everybody read what is in a folder of ours, whatever the umask under which it came there. Links stay as they are. */
export async function letAllRead(folder: string): Promise<void> {
  await chmod(folder, 0o755)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await letAllRead(path)
    if (!entry.isFile()) continue
    const { mode } = await stat(path)
    await chmod(path, mode & 0o100 ? 0o755 : 0o644)
  }
}

/** Where a release for this platform is installed. Throws UntrustedFile where others could write: it is run. */
export function cacheFolder(name: string): string {
  const ours = join(userCache(), 'outlast')
  const folder = join(ours, `${name}-${process.platform}-${process.arch}`)
  for (const place of existsSync(ours) ? [dirname(ours), ours, folder] : []) {
    const flaw = existsSync(place) ? sharedFolderFlaw(place) : undefined
    if (flaw !== undefined) throw new UntrustedFile(place, `${flaw}: no program there is run`)
  }
  return folder
}

/**
 * A path that is not whole counts for nothing (XDG Base Directory Specification): it would be one below the working directory,
 * which may be a checkout of anybody's. Throws HarnessError for a user without a home.
 */
function userCache(): string {
  const { XDG_CACHE_HOME: cache = '' } = process.env
  if (isAbsolute(cache)) return cache
  if (!isAbsolute(homedir())) throw new HarnessError('there is no place for programs: HOME is no whole path')
  return join(homedir(), '.cache')
}

/** Throws UntrustedFile for one that others could have written. */
export async function areExecutable(paths: readonly string[]): Promise<boolean> {
  const checked = await Promise.allSettled(paths.map((path) => access(path, constants.X_OK)))
  if (checked.some(({ status }) => status === 'rejected')) return false
  for (const path of paths) {
    const flaw = sharedFolderFlaw(dirname(path)) ?? programFlaw(path)
    if (flaw !== undefined) throw new UntrustedFile(path, `${flaw}: it is not run`)
  }
  return true
}

const noGo = 'install Go 1.26 or newer from https://go.dev/dl (Debian: apt-get install golang), then run this again'

export async function hasGo(): Promise<boolean> {
  return run('go', ['version'], noGo).then(
    () => true,
    () => false,
  )
}

/** Build `MODULE/PACKAGE@VERSION` into a folder; Go checks the checksums of all modules. Throws HarnessError. */
export async function buildPrograms(packages: readonly string[], folder: string): Promise<void> {
  say(`${await run('go', ['version'], noGo)}a first build takes minutes`)
  for (const name of packages) await buildProgram(name, folder)
}

/** `stamp`: a variable of the program that is set to a text, `package.Name=text`. */
export async function buildProgram(name: string, folder: string, stamp?: string): Promise<void> {
  say(`go install ${name}`)
  // Without the system's C compiler, and small: no debugger will look at it.
  const env = { GOBIN: folder, CGO_ENABLED: '0', GOFLAGS: '-trimpath' }
  const flags = stamp === undefined ? '-s -w' : `-s -w -X ${stamp}`
  await run('go', ['install', '-ldflags', flags, name], noGo, { env }).catch(explain)
}

function explain(error: unknown): never {
  const why = describeError(error)
  const hint = /dial tcp|no such host|timeout|403|404/i.test(why)
    ? '\nthe Go module proxy must be reachable: GOPROXY names another one'
    : ''
  throw new HarnessError(`${why}${hint}`)
}
