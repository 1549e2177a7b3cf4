import { join, basename, sep } from 'node:path'
import { readdir } from 'node:fs/promises'
import { z } from 'zod'
import { HarnessError, describeError } from '../core/errors.ts'
import { foreignFlaw, kindOf, UntrustedFile } from '../core/own-file.ts'
import { hashFile } from './line-file.ts'
import type { RunFolder } from './run-folder.ts'
import { figuresSchema, readableResults, type RunFigures, type RunResults } from '../model/results.ts'
import { fitVersioned, parseJson, readDocument } from './versioned-file.ts'
import { whyUnfinished } from './unfinished.ts'

/**
 * How the files of a run are taken. `recorded`: they must be those that `results.json` vouches for, if it does for any.
 * `edited`: as they are, on purpose; what differs is said. `fresh`: the run has just ended, and they are sealed.
 */
export type Taken = 'recorded' | 'edited' | 'fresh'

/** The files of a run while it is judged. */
export interface RunRecord {
  readonly taken: Taken
  /** The figures that vouched files were saved with; undefined where nothing vouches for them. Throws HarnessError for damaged ones. */
  readonly figures: () => RunFigures | undefined
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
    const difference = sealed && differenceOf(path, checksumOf(sealed, path), sha256)
    if (difference === undefined) return
    if (taken !== 'edited') throw new HarnessError(join(run.path, difference))
    notes.push(`${difference}. It is judged as it is, on purpose (--edited).`)
  }
  const paths = new Set(await listFiles(run))
  for (const path of Object.keys(sealed ?? {})) if (!paths.has(path)) meet(path, undefined)
  if (seal?.kind !== 'open')
    for (const path of paths) if (isHashed(path, sealed)) meet(path, await hashFile(join(run.path, path)))
  return {
    taken,
    figures: () => (seal?.kind === 'sealed' ? figuresIn(seal.results, run) : undefined),
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
  return checksumOf(sealed, path) === undefined ? isReadWhereThere(path) : !isReadLater
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

/** The SHA-256 of each file of a run, in hexadecimal digits, by its path in the run's folder with `/`. */
type Checksums = Readonly<Record<string, string>>

/** A file may have the name of what every object has. */
function checksumOf(sealed: Checksums, path: string): string | undefined {
  return Object.hasOwn(sealed, path) ? sealed[path] : undefined
}

/** What `results.json` says of the files beside it. */
type Seal =
  | { readonly kind: 'sealed'; readonly files: Checksums; readonly results: unknown }
  /** Nothing vouches for the files: `why` is a sentence. */
  | { readonly kind: 'open'; readonly why: string }

const sealSchema = z.looseObject({
  version: z.literal(readableResults),
  verdict: z.enum(['PASS', 'FAIL', 'INCONCLUSIVE', 'INVALID']),
  files: z.exactOptional(z.record(z.string(), z.string())),
})

/** Throws HarnessError when `results.json` is damaged, UsageError when a version wrote it that is not known. */
export async function readSeal(run: RunFolder): Promise<Seal> {
  const unfinished = await whyUnfinished(run)
  if (unfinished !== undefined) return open(unfinished)
  const path = join(run.path, 'results.json')
  const text = await readDocument(path)
  if (text === undefined) return open('the run left no results.json: it did not come to its end')
  const results = parseJson(text, path)
  if ((results as { version?: unknown } | null)?.version === 1)
    return open('results.json is of version 1, which kept no checksums')
  const { files } = fitVersioned(results, path, sealSchema, readableResults)
  if (files === undefined) return open('results.json was made again later, from files without checksums')
  return { kind: 'sealed', files, results }
}

function figuresIn(results: unknown, run: RunFolder): RunFigures {
  return fitVersioned(results, join(run.path, 'results.json'), figuresSchema, readableResults)
}

function open(why: string): Seal {
  return { kind: 'open', why: `${why}. Nothing vouches for the run's files: they are judged as they are.` }
}

/** What is made from the others, and what only tells: neither is evidence. */
const excluded =
  /^results\.json$|^unfinished\.json$|\.part$|^report\.|\.log$|\.partial$|(?:^|\/)logs(?:\/|$)|^verification(?:\/|$)/

/** Paths of the files that a run consists of, as far as they are there. Throws HarnessError where one is none, or a link. */
export async function listFiles(run: RunFolder): Promise<readonly string[]> {
  const entries = await readdir(run.path, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    throw new HarnessError(`cannot read ${run.path}: ${describeError(error)}`)
  })
  const found = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => {
      const path = join(entry.parentPath, entry.name).slice(run.path.length + 1)
      return { path: path.split(sep).join('/'), entry }
    })
    .filter(({ path }) => !excluded.test(path))
    .toSorted((a, b) => (a.path < b.path ? -1 : 1))
  for (const { path, entry } of found)
    if (!entry.isFile()) throw new UntrustedFile(join(run.path, path), `is ${kindOf(entry)}, not a regular file`)
  return found.map(({ path }) => path)
}

/** Files that are read wherever they are: one that appears later is as much a change as one that vanishes. */
function isReadWhereThere(path: string): boolean {
  return readWhereThere.has(basename(path))
}

const readWhereThere: ReadonlySet<string> = new Set(['verification.json', 'history.ndjson', 'ledger.ndjson'])

/** What differs between the file and what was sealed, as a sentence; `found` is its checksum now, undefined where it is not there. */
export function differenceOf(path: string, sealed: string | undefined, found: string | undefined): string | undefined {
  if (sealed === found) return undefined
  if (found === undefined) return `${path} is missing: it was there when the run ended`
  if (sealed !== undefined) return `${path} was changed after the run: its SHA-256 is not the one in results.json`
  return isReadWhereThere(path) ? `${path} was added after the run: results.json does not know it` : undefined
}
