import { isUtf8 } from 'node:buffer'
import { hash } from 'node:crypto'
import { basename, dirname, join, resolve } from 'node:path'
import { describeError, UsageError } from '../core/errors.ts'
import { readRegular, UntrustedFile } from '../core/own-file.ts'
import { includedPaths } from './arm.ts'
import type { Catalog, ProfileText } from './catalog.ts'
import { type Change, changed, readDocument, type Source, withChanges } from './document.ts'
import { composePaths } from './compose.ts'
import { folderOf, readScenario, type TargetFiles } from './parse.ts'
import { isMap } from './problems.ts'
import type { Scenario } from './scenario.ts'
import { adapterPaths } from './targets.ts'

const maxBytes = 1_000_000

/** A scenario, and what a run keeps of it so that it can be carried out again from the run's folder alone. */
export interface LoadedScenario {
  readonly scenario: Scenario
  /** As it was written, but for the paths of its own profiles. */
  readonly text: string
  /** Texts of the profiles that it includes by a path, by the paths that `text` has for them. */
  readonly profiles: ReadonlyMap<string, string>
}

/** A scenario that is not yet complete. */
export interface Draft {
  /** As it was written, whatever is wrong with it. */
  readonly data: unknown
  /** As it would be read with these parts changed. Throws UsageError, with the places of the file as it was written. */
  read(changes: readonly Change[]): Scenario
}

export type { Change } from './document.ts'

/**
 * Read and check a scenario with its profiles. `complete` says what is to be changed in it first, as a preset does. Throws one
 * UsageError of lines `file:line:column: wrong; allowed`.
 */
export async function loadScenario(
  path: string,
  catalog: Catalog,
  complete: (draft: Draft) => readonly Change[] = () => [],
): Promise<LoadedScenario> {
  const source = readDocument(await readText(path), path)
  if (!('data' in source)) throw new UsageError(source)
  const own = await Promise.all(findOwnProfiles(source).map((name) => readOwnProfile(name, path)))
  const faultProfiles = new Map([...catalog.faultProfiles, ...own])
  const folder = folderOf(source.data, path)
  const files = await readTargetFiles(source, folder)
  const read = (changes: readonly Change[]): Scenario =>
    readScenario({ ...source, data: changed(source.data, changes) }, path, { ...catalog, faultProfiles }, files)
  const changes = complete({ data: source.data, read })
  const scenario = read(changes)
  const paths = relocateProfiles(own.map(([name]) => name))
  const profiles = own.flatMap(([name, profile]) =>
    'text' in profile ? [[paths.get(name)!, profile.text] as const] : [],
  )
  const text = withChanges(source.withValues('include', paths), changes)
  return { scenario, text: scenario.targets.length > 0 ? withFolder(text, folder) : text, profiles: new Map(profiles) }
}

/** The run's copy lies elsewhere: its relative paths begin where they did. */
function withFolder(text: string, folder: string): string {
  const line = `folder: ${JSON.stringify(folder)}`
  const written = /^folder:.*$/m
  return written.test(text) ? text.replace(written, () => line) : `${line}\n${text}`
}

async function readTargetFiles({ data }: Source, folder: string): Promise<TargetFiles> {
  const targets = isMap(data) ? data['targets'] : undefined
  const adapters = await readAll(adapterPaths(targets), folder, (text) => ({ sha256: hash('sha256', text, 'hex') }))
  return { adapters, composes: await readAll(composePaths(targets), folder, (text) => ({ text })) }
}

async function readAll<T>(
  paths: readonly string[],
  folder: string,
  take: (text: string) => T,
): Promise<ReadonlyMap<string, T | { readonly unusable: string }>> {
  const read = paths.map(async (path): Promise<readonly [string, T | { readonly unusable: string }]> => {
    try {
      return [path, take(await readText(resolve(folder, path)))]
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      return [path, { unusable: error.message }]
    }
  })
  return new Map(await Promise.all(read))
}

/** Profiles that a scenario includes by a path, as it writes them. */
function findOwnProfiles({ data }: Source): readonly string[] {
  return isMap(data) ? includedPaths(data['arms']) : []
}

/** Where a run's folder keeps the profiles that its scenario includes by their paths: path as written -> path there. */
function relocateProfiles(paths: readonly string[]): ReadonlyMap<string, string> {
  const names = paths.map((path) => basename(path))
  // The name of a profile is that of its file: a second one of that name gets a folder.
  const placed = names.map((name, i) => (names.indexOf(name) === i ? name : `${i + 1}/${name}`))
  return new Map(paths.map((path, i) => [path, `./profiles/${placed[i]}`]))
}

async function readOwnProfile(name: string, scenario: string): Promise<readonly [string, ProfileText]> {
  const file = join(dirname(scenario), name)
  const read = await readText(file).catch((error: unknown) => {
    if (error instanceof UsageError) return { unreadable: error.message }
    throw error
  })
  return [name, typeof read === 'string' ? { file, text: read, isOwn: true } : { file, ...read }]
}

/** A text file of at most 1 MB, or a UsageError that says why it is not one. Symbolic links are followed: the user named the path. */
export async function readText(path: string): Promise<string> {
  const bytes = await readRegular(path, { maxBytes, follow: true }).catch((error: unknown) => {
    throw new UsageError(`${path}: ${error instanceof UntrustedFile ? error.why : describeFailure(error)}`)
  })
  const bad = findUnreadable(bytes)
  if (bad === undefined) return new TextDecoder().decode(bytes)
  const { line, column } = locateIn(bytes, bad.offset)
  throw new UsageError(`${path}:${line}:${column}: ${bad.what} (byte ${bad.offset}); write UTF-8`)
}

function findUnreadable(bytes: Buffer): { readonly offset: number; readonly what: string } | undefined {
  if (/^(?:feff|fffe)/.test(bytes.toString('hex', 0, 2))) return { offset: 0, what: 'this is UTF-16' }
  const nul = bytes.indexOf(0)
  if (nul >= 0) return { offset: nul, what: 'a NUL: this is no text' }
  return isUtf8(bytes) ? undefined : { offset: utf8Length(bytes), what: 'from here on this is no UTF-8' }
}

/** How many bytes at the beginning are UTF-8. */
function utf8Length(bytes: Uint8Array): number {
  let [good, bad] = [0, bytes.length + 1]
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2)
    if (isBeginning(bytes.subarray(0, middle))) good = middle
    else bad = middle
  }
  // A character that was cut does not count.
  while (!isUtf8(bytes.subarray(0, good))) good--
  return good
}

/** What follows may complete its last character. */
function isBeginning(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true })
    return true
  } catch {
    return false
  }
}

/** Both from 1; columns are characters. */
function locateIn(bytes: Buffer, offset: number): { readonly line: number; readonly column: number } {
  const lines = bytes.toString('utf8', 0, offset).split('\n')
  return { line: lines.length, column: lines.at(-1)!.length + 1 }
}

function describeFailure(error: unknown): string {
  const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
  return missing ? 'there is no such file' : describeError(error)
}
