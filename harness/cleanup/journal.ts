import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { describeError, HarnessError } from '../core/errors.ts'
import { readOwn, UntrustedFile } from '../core/own-file.ts'
import type { OwnersService, Resource } from '../model/runtime.ts'

/** A fault's `name` is its id in its cell. */
export type JournalEntry =
  | Resource
  | OwnersService
  | ArmedFault
  | { readonly kind: 'healed'; readonly cell: string; readonly name: string }

export interface ArmedFault {
  readonly kind: 'fault'
  readonly cell: string
  readonly name: string
  readonly target: string
  /** UTC: the end of its window, as planned. */
  readonly until: string
}

export interface Journal extends AsyncDisposable {
  /** Resolves when the line is on the disk: only then may that which it announces be made or armed. */
  note(entry: JournalEntry): Promise<void>
}

const fileName = 'journal.ndjson'

/** Write ahead what must be undone, in the run's temporary folder: a whole line per thing, also of two writers. */
export async function openJournal(folder: string): Promise<Journal> {
  const file = await open(join(folder, fileName), 'a', 0o600)
  let lines = ''
  let last: Promise<void> = Promise.resolve()
  let next: Promise<void> | undefined
  const commit = async (): Promise<void> => {
    const text = lines
    lines = ''
    next = undefined
    try {
      await file.appendFile(text)
      await file.datasync()
    } catch (error) {
      throw new HarnessError(`cannot write ${join(folder, fileName)}: ${describeError(error)}`, { cause: error })
    }
  }
  return {
    note: (entry) => {
      lines += `${JSON.stringify(entry)}\n`
      return (next ??= last = last.catch(() => {}).then(commit))
    },
    [Symbol.asyncDispose]: () => last.catch(() => {}).then(() => file.close()),
  }
}

/** A line is a few hundred bytes, and announces one container or fault. */
const maxBytes = 64 * 2 ** 20

/** What was announced, in order. A line that its writer did not finish is left out. Throws UntrustedFile. */
export function readJournal(folder: string): readonly JournalEntry[] {
  try {
    return readOwn(join(folder, fileName), maxBytes).split('\n').flatMap(parse)
  } catch (error) {
    if (error instanceof UntrustedFile) throw error
    return []
  }
}

/** Faults that were armed, or about to be, and of which no healing is on record. */
export function unhealed(entries: readonly JournalEntry[]): readonly ArmedFault[] {
  const key = ({ cell, name }: { readonly cell: string; readonly name: string }): string => `${cell} ${name}`
  const healed = new Set(entries.flatMap((entry) => (entry.kind === 'healed' ? [key(entry)] : [])))
  return entries.filter((entry) => entry.kind === 'fault').filter((fault) => !healed.has(key(fault)))
}

/** Containers, networks and volumes that were made, or about to be. */
export function announcedResources(entries: readonly JournalEntry[]): readonly Resource[] {
  return entries.filter((entry): entry is Resource => !['fault', 'healed', 'service'].includes(entry.kind))
}

/** Services of the user's that were taken down, or about to be, and are not on record as up again. */
export function takenDown(entries: readonly JournalEntry[]): readonly OwnersService[] {
  const last = new Map(entries.filter(isService).map((service) => [service.name, service]))
  return [...last.values()].filter(({ state }) => state !== 'up')
}

/** What is to be run is looked at: half a line may still be whole JSON. */
function isService(entry: JournalEntry): entry is OwnersService {
  if (entry.kind !== 'service') return false
  const { url, restart, cwd, logFile } = entry as Readonly<Record<keyof OwnersService, unknown>>
  const areTexts = [url, cwd, logFile].every((one) => typeof one === 'string') && URL.canParse(String(url))
  return areTexts && Array.isArray(restart) && restart.length > 0 && restart.every((one) => typeof one === 'string')
}

function parse(line: string): JournalEntry[] {
  try {
    const entry = JSON.parse(line) as JournalEntry | null
    return typeof entry?.kind === 'string' && typeof entry.name === 'string' ? [entry] : []
  } catch {
    return []
  }
}
