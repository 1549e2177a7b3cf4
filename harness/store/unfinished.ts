import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { describeError, HarnessError } from '../core/errors.ts'
import { readRegular } from '../core/own-file.ts'
import { writeFailure } from './whole-file.ts'

/** Is in a run's folder until the run has come to its end, however it ends. */
export interface Mark {
  /** Say why it will not. Waits for nothing, needs no room on the disk, never throws; the first reason counts. */
  brokeOff(why: string): void
  /** It has. */
  lift(): void
}

const fileName = 'unfinished.json'
/** Made at once, so that a reason finds its place on a full disk. */
const reservedBytes = 1024

/** Throws HarnessError or UsageError when it cannot be made. */
export function markUnfinished({ path: folder }: { readonly path: string }): Mark {
  const path = join(folder, fileName)
  const fd = openMark(path)
  let open = true
  const end = (act: () => void): void => {
    if (!open) return
    open = false
    try {
      act()
      closeSync(fd)
    } catch {
      // Without a reason it still says that the run did not end.
    }
  }
  return {
    brokeOff: (why) => end(() => writeSync(fd, textOf(why), 0)),
    lift: () => end(() => rmSync(path)),
  }
}

function openMark(path: string): number {
  try {
    const fd = openSync(path, 'wx')
    writeSync(fd, textOf(null), 0)
    return fd
  } catch (error) {
    throw writeFailure(`write ${path}`, error)
  }
}

/** Always of the same length, in bytes. */
function textOf(why: string | null): string {
  const most = why === null ? 0 : why.length
  for (let length = most; ; length = Math.floor(length * 0.9)) {
    const text = JSON.stringify({ version: 1, why: why === null ? null : why.slice(0, length) })
    const missing = reservedBytes - 1 - Buffer.byteLength(text)
    if (missing >= 0) return `${text}${' '.repeat(missing)}\n`
  }
}

/** What the mark says, as a sentence; undefined where there is none: the run ended, or is from before there were any. */
export async function whyUnfinished({ path: folder }: { readonly path: string }): Promise<string | undefined> {
  const text = await readMark(join(folder, fileName))
  if (text === undefined) return undefined
  const why = reasonIn(text)
  return why === undefined
    ? 'this run broke off and left no reason, or it is still under way'
    : `this run broke off: ${why}`
}

async function readMark(path: string): Promise<string | undefined> {
  try {
    return (await readRegular(path, { maxBytes: 4 * reservedBytes })).toString('utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error instanceof HarnessError ? error : new HarnessError(`cannot read ${path}: ${describeError(error)}`)
  }
}

function reasonIn(text: string): string | undefined {
  try {
    const { why } = JSON.parse(text) as { readonly why?: unknown }
    return typeof why === 'string' ? why : undefined
  } catch {
    return undefined
  }
}
