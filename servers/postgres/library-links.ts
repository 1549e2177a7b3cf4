import { lstat, readFile, symlink } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { describeError, HarnessError } from '../../harness/core/errors.ts'

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
