import { readdir } from 'node:fs/promises'
import { basename, join, sep } from 'node:path'
import { z } from 'zod'
import { describeError, HarnessError } from '../core/errors.ts'
import { kindOf, UntrustedFile } from '../core/own-file.ts'
import { isTooDeep } from './depth.ts'
import type { RunFolder } from './run-folder.ts'
import { readableResults, type RunVerdict } from '../model/results.ts'
import { whyUnfinished } from './unfinished.ts'
import { parseVersioned, readDocument } from './versioned-file.ts'

/** The SHA-256 of each file of a run, in hexadecimal digits, by its path in the run's folder with `/`. */
export type Checksums = Readonly<Record<string, string>>

/** What `results.json` says of the files beside it. */
export type Seal =
  | { readonly kind: 'sealed'; readonly files: Checksums; readonly verdict: RunVerdict }
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
  if (versionOf(text) === 1) return open('results.json is of version 1, which kept no checksums')
  const { files, verdict } = parseVersioned(text, path, sealSchema, readableResults)
  if (files === undefined) return open('results.json was made again later, from files without checksums')
  return { kind: 'sealed', files, verdict }
}

function open(why: string): Seal {
  return { kind: 'open', why: `${why}. Nothing vouches for the run's files: they are judged as they are.` }
}

function versionOf(text: string): unknown {
  try {
    if (isTooDeep(text)) return undefined
    return (JSON.parse(text) as { version?: unknown } | null)?.version
  } catch {
    return undefined
  }
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
export function isReadWhereThere(path: string): boolean {
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
