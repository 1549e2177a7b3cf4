import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, type Stats, statSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describeError, HarnessError } from './errors.ts'
import { visibleLine } from './visible.ts'

/**
 * Files in places where others can put theirs. What is opened is looked at through its descriptor, so that nothing can
 * take its place in between. No opening waits for anybody: a pipe without a writer opens at once, and is refused.
 */

/** What is there is not what it must be. `why` goes on after its path: `is a FIFO, not a regular file`. */
export class UntrustedFile extends HarnessError {
  readonly why: string
  constructor(path: string, why: string) {
    // Others chose the name: it may hold what a terminal obeys.
    super(`${visibleLine(path)} ${why}`)
    this.why = why
  }
}

export interface ReadOptions {
  /** A longer file is refused, also one that grows while it is read. */
  readonly maxBytes: number
  /** A symbolic link is allowed, as for a file that the user names on the command line. */
  readonly follow?: boolean
}

const { O_RDONLY, O_WRONLY, O_APPEND, O_CREAT, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } = constants
// Windows has none of these.
const carefully = O_RDONLY | (O_NONBLOCK ?? 0) | (O_NOCTTY ?? 0)
const never = carefully | (O_NOFOLLOW ?? 0)

/**
 * Opens a regular file of any owner for reading. Throws UntrustedFile; where there is none, the error of the system.
 */
export async function openRegular(path: string, { maxBytes, follow = false }: ReadOptions): Promise<FileHandle> {
  const handle = await open(path, follow ? carefully : never).catch((error: unknown) => {
    throw refusalOf(path, error, aFile)
  })
  try {
    const stats = await handle.stat()
    refuse(path, kindFlaw(stats, aFile) ?? sizeFlaw(stats.size, maxBytes))
    return handle
  } catch (error) {
    await handle.close()
    throw error
  }
}

export async function readRegular(path: string, wanted: ReadOptions): Promise<Buffer> {
  await using handle = await openRegular(path, wanted)
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of handle.createReadStream({ autoClose: false }) as AsyncIterable<Buffer>) {
    pieces.push(piece)
    refuse(path, sizeFlaw((bytes += piece.length), wanted.maxBytes))
  }
  return Buffer.concat(pieces)
}

/** The text of a file that only this user can have written. Throws UntrustedFile, or the error of the system. */
export function readOwn(path: string, maxBytes: number): string {
  return readWhole(path, maxBytes, ownerFlaw)
}

/** The text of a regular file of any owner. */
export function readSmall(path: string, maxBytes: number): string {
  return readWhole(path, maxBytes, () => undefined)
}

function readWhole(path: string, maxBytes: number, flawOf: (stats: Stats) => string | undefined): string {
  return withDescriptor(path, never, aFile, (file, stats) => {
    refuse(path, kindFlaw(stats, aFile) ?? flawOf(stats) ?? sizeFlaw(stats.size, maxBytes))
    const pieces: Buffer[] = []
    for (let bytes = 0; ;) {
      const piece = Buffer.alloc(pieceBytes)
      const length = readSync(file, piece)
      if (length === 0) return Buffer.concat(pieces).toString('utf8')
      pieces.push(piece.subarray(0, length))
      refuse(path, sizeFlaw((bytes += length), maxBytes))
    }
  })
}

const pieceBytes = 64 * 1024

/**
 * Opens a file of ours for appending, and makes it where there is none; a device may be one too. Throws UntrustedFile for
 * what would make its writer wait or write elsewhere, else the error of the system.
 */
export function openForAppending(path: string): number {
  let file: number
  try {
    file = openSync(path, never | O_WRONLY | O_APPEND | O_CREAT)
  } catch (error) {
    throw refusalOf(path, error, aFile)
  }
  try {
    const stats = fstatSync(file)
    const isDevice = stats.isCharacterDevice()
    refuse(path, isDevice ? undefined : (kindFlaw(stats, aFile) ?? (isMine(stats) ? undefined : ownerFlaw(stats))))
    return file
  } catch (error) {
    closeSync(file)
    throw error
  }
}

/** Throws UntrustedFile unless this is a folder of ours into which nobody else may write. */
export function mustBeOwnFolder(path: string): void {
  withDescriptor(path, never | (O_DIRECTORY ?? 0), aFolder, (_, stats) => refuse(path, ownerFlaw(stats)))
}

/** Whether something is ours, whatever it is; a link counts as itself. */
export function isOwn(path: string): boolean {
  const stats = attempt(() => lstatSync(path))
  return stats !== undefined && isMine(stats)
}

/** The owner of the code that we run could do anything already. */
const ownCode = fileURLToPath(new URL('.', import.meta.url))

/**
 * Why a folder in which we make ours cannot be used, or undefined. Its owner, or a user who may write into it, could
 * replace ours. The sticky bit keeps others from that. `path` may be a link.
 */
export function sharedFolderFlaw(path: string, code = ownCode): string | undefined {
  const stats = attempt(() => statSync(path))
  if (!stats?.isDirectory()) return 'is no folder'
  return holderFlaw(stats, code)?.why
}

/** Why a program cannot be run, which another user wrote, or may have written; or undefined. Throws the error of the system where there is none. */
export function programFlaw(path: string, code = ownCode): string | undefined {
  return holderFlaw(statSync(path), code)?.why
}

export interface HolderFlaw {
  /** Another user wrote what is there; else other users might have. */
  readonly isForeign: boolean
  readonly why: string
}

/** Why the files of a folder may not be ours, root's, or those of the owner of the code that we run; or undefined. */
export function foreignFlaw(path: string, code = ownCode): HolderFlaw | undefined {
  const flags = carefully | (O_DIRECTORY ?? 0)
  return withDescriptor(path, flags, aFolder, (_, stats) => holderFlaw(stats, code))
}

function holderFlaw(stats: Stats, code: string): HolderFlaw | undefined {
  const isKnown = isMine(stats) || stats.uid === 0 || stats.uid === statSync(code).uid
  if (!isKnown) return { isForeign: true, why: `belongs to uid ${stats.uid}` }
  const isOpenToAll = (stats.mode & 0o002) !== 0 && (stats.mode & 0o1000) === 0
  return isPosix && isOpenToAll ? { isForeign: false, why: openToAll } : undefined
}

const openToAll = 'may be written into by everybody, and has no sticky bit'

const [aFile, aFolder] = ['a regular file', 'a folder'] as const

function withDescriptor<T>(path: string, flags: number, wanted: string, look: (file: number, stats: Stats) => T): T {
  let file: number
  try {
    file = openSync(path, flags)
  } catch (error) {
    throw refusalOf(path, error, wanted)
  }
  try {
    return look(file, fstatSync(file))
  } finally {
    closeSync(file)
  }
}

function refuse(path: string, flaw: string | undefined): void {
  if (flaw !== undefined) throw new UntrustedFile(path, flaw)
}

/** What cannot even be opened shows what it is without that. */
function refusalOf(path: string, error: unknown, wanted: string): unknown {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOENT') return error
  const stats = attempt(() => lstatSync(path))
  const flaw = stats && (kindFlaw(stats, wanted) ?? (isMine(stats) ? undefined : ownerFlaw(stats)))
  return new UntrustedFile(path, flaw ?? `cannot be opened: ${code ?? describeError(error)}`)
}

function attempt<T>(action: () => T): T | undefined {
  try {
    return action()
  } catch {
    return undefined
  }
}

function kindFlaw(stats: Stats, wanted: string): string | undefined {
  const kind = kindOf(stats)
  return kind === wanted ? undefined : `is ${kind}, not ${wanted}`
}

/** `a FIFO`, `a folder`... */
export function kindOf(
  stats: Pick<Stats, 'isFile' | 'isDirectory' | 'isSymbolicLink' | 'isFIFO' | 'isSocket'>,
): string {
  if (stats.isFile()) return aFile
  if (stats.isDirectory()) return aFolder
  if (stats.isSymbolicLink()) return 'a symbolic link'
  if (stats.isFIFO()) return 'a FIFO'
  if (stats.isSocket()) return 'a socket'
  return 'a device'
}

function sizeFlaw(bytes: number, maxBytes: number): string | undefined {
  return bytes > maxBytes ? `has ${bytes} bytes; at most ${maxBytes} are read` : undefined
}

function ownerFlaw(stats: Stats): string | undefined {
  if (!isMine(stats)) return `belongs to uid ${stats.uid}`
  return isPosix && (stats.mode & 0o022) !== 0 ? 'may be written by others' : undefined
}

const isPosix = process.geteuid !== undefined

function isMine({ uid }: Stats): boolean {
  return !isPosix || uid === process.geteuid!()
}
