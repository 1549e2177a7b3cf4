import { createHash } from 'node:crypto'
import { open, type FileHandle } from 'node:fs/promises'
import { describeError, HarnessError } from '../core/errors.ts'
import { isTooDeep } from '../core/json-depth.ts'
import { openRegular, UntrustedFile } from '../core/own-file.ts'
import { maxDocumentBytes } from './versioned-file.ts'

/** Buffer this much before writing, or this long: a crash of the harness loses at most that. */
const bufferBytes = 64 * 1024
const bufferMs = 200

/**
 * Appends values to an NDJSON file, one JSON document per line, in the order of the calls. `append` never waits, and
 * throws for a closed file only: its caller has no part in a full disk. A write that fails is the last one. The file
 * keeps its whole lines, and `onBroken` hears of it at once. `flush`, `sync` and `close` reject with the HarnessError.
 */
export interface LineFile<T> extends AsyncDisposable {
  append(value: T): void
  /** Resolves when everything appended so far has been handed to the operating system. */
  flush(): Promise<void>
  /** Flush, and wait until it is on the disk: at the edge of each phase. */
  sync(): Promise<void>
  /** Sync and close; twice is safe. */
  close(): Promise<void>
}

export type OnBroken = (error: HarnessError) => void

/** Opens (and empties) the file. Throws HarnessError when it cannot be written. */
export async function openLines<T>(path: string, onBroken: OnBroken = () => {}): Promise<LineFile<T>> {
  const handle = await open(path, 'w+').catch((error: unknown) => {
    throw new HarnessError(`cannot write ${path}: ${describeError(error)}`)
  })
  return lineFile(path, handle, onBroken)
}

function lineFile<T>(path: string, handle: FileHandle, onBroken: OnBroken): LineFile<T> {
  let buffered = ''
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> = Promise.resolve()
  let failure: HarnessError | undefined
  /** Length of the file as far as every write was whole. */
  let wholeBytes = 0
  let closed: Promise<void> | undefined

  const startWrite = (): void => {
    clearTimeout(timer)
    timer = undefined
    if (!buffered) return
    const chunk = buffered
    buffered = ''
    writing = writing.then(() => write(chunk))
  }
  const write = async (chunk: string): Promise<void> => {
    if (failure) return
    try {
      await handle.appendFile(chunk)
      wholeBytes += Buffer.byteLength(chunk)
    } catch (error) {
      await keepWholeLines(handle, wholeBytes).catch(() => {})
      breakOff(error)
    }
  }
  const breakOff = (error: unknown): void => {
    failure = new HarnessError(`cannot write ${path}: ${describeError(error)}`, { cause: error })
    buffered = ''
    onBroken(failure)
  }
  const flush = async (): Promise<void> => {
    startWrite()
    await writing
    if (failure) throw failure
  }
  const sync = async (): Promise<void> => {
    await flush()
    await handle.datasync().catch(breakOff)
    if (failure) throw failure
  }
  const close = (): Promise<void> => (closed ??= sync().finally(() => handle.close()))
  return {
    append(value) {
      if (closed) throw new HarnessError(`cannot write ${path}: it is closed`)
      if (failure) return
      buffered += `${JSON.stringify(value)}\n`
      if (buffered.length >= bufferBytes) startWrite()
      else timer ??= setTimeout(startWrite, bufferMs).unref()
    },
    flush,
    sync,
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** What a failed write left of its lines after `from` bytes: a torn one at the end goes. */
async function keepWholeLines(handle: FileHandle, from: number): Promise<void> {
  const { size } = await handle.stat()
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - from), 0, size - from, from)
  await handle.truncate(from + buffer.subarray(0, bytesRead).lastIndexOf(10) + 1)
}

/** Hand over each value of NDJSON. A torn last line is left out; any other throws HarnessError naming `file:line`. */
export function parseLines(text: string, file: string, take: (value: unknown) => void): void {
  const lines = text.split('\n')
  const last = lines.pop()!
  lines.forEach((line, i) => take(parseLine(line, file, i + 1)))
  if (isWhole(last)) take(JSON.parse(last))
}

/** `parseLines` by pieces. Resolves with the SHA-256, in hex. Rejects with HarnessError also for an unreadable file. */
export async function readLines(path: string, take: (value: unknown) => void): Promise<string> {
  const hash = createHash('sha256')
  let [rest, restBytes, number]: [Buffer[], number, number] = [[], 0, 0]
  for await (const piece of readPieces(path, maxFileBytes)) {
    hash.update(piece)
    const [first, last] = [piece.indexOf(10), piece.lastIndexOf(10)]
    const begun = first < 0 ? piece : piece.subarray(0, first)
    restBytes += begun.length
    mustBeALine(`${path}:${number + 1}`, restBytes)
    rest.push(Buffer.from(begun))
    if (first < 0) continue
    take(parseLine(Buffer.concat(rest).toString('utf8'), path, ++number))
    if (last > first)
      for (const line of piece.toString('utf8', first + 1, last).split('\n')) take(parseLine(line, path, ++number))
    ;[rest, restBytes] = [[Buffer.from(piece.subarray(last + 1))], piece.length - last - 1]
  }
  const last = Buffer.concat(rest).toString('utf8')
  if (isWhole(last)) take(JSON.parse(last))
  return hash.digest('hex')
}

const pieceBytes = 64 * 1024
/** The plan of a cell is the longest line: some hundred bytes for each of its faults. */
const maxLineBytes = 16 * 2 ** 20
/** Eight million ops, which take four gibibytes of memory. */
const maxFileBytes = 2 ** 31

/** Throws HarnessError for a line of which so much is there already and no end. */
function mustBeALine(place: string, bytes: number): void {
  if (bytes > maxLineBytes) throw new HarnessError(`${place} has more than ${maxLineBytes} bytes, which no line has`)
}

/** The SHA-256 of a file, in hex. Rejects with HarnessError where it cannot be read or is not such as a run writes. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  const hasLines = path.endsWith('.ndjson')
  let sinceLine = 0
  for await (const piece of readPieces(path, hasLines ? maxFileBytes : maxDocumentBytes)) {
    hash.update(piece)
    const end = piece.lastIndexOf(10)
    sinceLine = end < 0 ? sinceLine + piece.length : piece.length - end - 1
    if (hasLines) mustBeALine(`a line of ${path}`, sinceLine)
  }
  return hash.digest('hex')
}

/** Each piece holds until the next one is asked for, which is read meanwhile. */
async function* readPieces(path: string, maxBytes: number): AsyncGenerator<Buffer> {
  try {
    await using handle = await openRegular(path, { maxBytes })
    let spare = Buffer.allocUnsafe(pieceBytes)
    let ahead = handle.read(Buffer.allocUnsafe(pieceBytes))
    for (;;) {
      const { buffer, bytesRead } = await ahead
      if (bytesRead === 0) return
      ahead = handle.read(spare)
      // Who is not interested in the rest does not hear of it.
      ahead.catch(() => {})
      spare = buffer
      yield buffer.subarray(0, bytesRead)
    }
  } catch (error) {
    throw error instanceof UntrustedFile ? error : new HarnessError(`cannot read ${path}: ${describeError(error)}`)
  }
}

/** As deep as a line of this length can be, everything that walks it bears. */
const shallowLength = 1_024

function parseLine(line: string, file: string, number: number): unknown {
  if (line.length > shallowLength && isTooDeep(line)) throw new HarnessError(`${file}:${number} is nested too deeply`)
  try {
    return JSON.parse(line)
  } catch (error) {
    throw new HarnessError(`${file}:${number} is broken: ${describeError(error)}`)
  }
}

/** Only an object shows by its closing brace that nothing is missing: `12` may be the beginning of `123`. */
function isWhole(line: string): boolean {
  try {
    return line.startsWith('{') && !isTooDeep(line) && Boolean(JSON.parse(line))
  } catch {
    return false
  }
}
