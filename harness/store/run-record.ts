import { join } from 'node:path'
import { HarnessError } from '../core/errors.ts'
import { foreignFlaw } from '../core/own-file.ts'
import { type Checksums, differenceOf, isReadWhereThere, listFiles, readSeal } from './checksums.ts'
import { hashFile } from './line-file.ts'
import type { RunFolder } from './run-folder.ts'
import type { RunResults } from '../model/results.ts'

/**
 * How the files of a run are taken. `recorded`: they must be those that `results.json` vouches for, if it does for any.
 * `edited`: as they are, on purpose; what differs is said. `fresh`: the run has just ended, and they are sealed.
 */
export type Taken = 'recorded' | 'edited' | 'fresh'

/** The files of a run while it is judged. */
export interface RunRecord {
  /** A large file was read, and this is its checksum. Throws HarnessError where it is not as recorded. */
  readonly read: (path: string, sha256: string) => void
  /** Checksums to keep in `results.json`, and what is to be said of the files. */
  readonly close: () => Pick<RunResults, 'files' | 'record'>
}

/**
 * Compares all files but those that are read line by line anyway, before anybody makes something of them. Throws HarnessError also
 * where another user may have written them all, `results.json` included, unless they are taken as they are on purpose.
 */
export async function openRecord(run: RunFolder, taken: Taken): Promise<RunRecord> {
  const notes = taken === 'fresh' ? [] : doubtsOf(run, taken)
  const seal = taken === 'fresh' ? undefined : await readSeal(run)
  const sealed = seal?.kind === 'sealed' ? seal.files : undefined
  const found: Record<string, string> = {}
  const meet = (path: string, sha256: string | undefined): void => {
    if (sha256 !== undefined) found[path] = sha256
    const difference = sealed && differenceOf(path, sealed[path], sha256)
    if (difference === undefined) return
    if (taken !== 'edited') throw new HarnessError(join(run.path, difference))
    notes.push(`${difference}. It is judged as it is, on purpose (--edited).`)
  }
  const paths = new Set(await listFiles(run))
  for (const path of Object.keys(sealed ?? {})) if (!paths.has(path)) meet(path, undefined)
  if (seal?.kind !== 'open')
    for (const path of paths) if (isHashed(path, sealed)) meet(path, await hashFile(join(run.path, path)))
  return {
    read: meet,
    close: () => {
      if (seal?.kind === 'open') return { record: [seal.why, ...notes] }
      // Judged on purpose, edited files do not become the run's.
      return { files: sealed ?? (found as Checksums), ...(notes.length > 0 && { record: notes }) }
    },
  }
}

/** What is read line by line is hashed then; what nobody reads and nothing vouches for may be there, however large. */
function isHashed(path: string, sealed: Checksums | undefined): boolean {
  const isReadLater = /^cells\/[^/]+\/(?:history|ledger)\.ndjson$/.test(path)
  if (!sealed) return !isReadLater
  return sealed[path] === undefined ? isReadWhereThere(path) : !isReadLater
}

function doubtsOf({ path }: RunFolder, taken: Taken): string[] {
  const flaw = foreignFlaw(path)
  if (!flaw) return []
  if (flaw.isForeign && taken !== 'edited')
    throw new HarnessError(
      `${path} ${flaw.why}, who may have written anything there: copy it, or judge it with --edited`,
    )
  return [`${path} ${flaw.why}: its files are judged as they are.`]
}
