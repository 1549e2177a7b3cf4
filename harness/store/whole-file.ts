import { rename, rm, writeFile } from 'node:fs/promises'
import { describeError, HarnessError, UsageError } from '../core/errors.ts'
import { makeFolder } from '../core/folder.ts'

/** What is no mistake of the user who chose the place: there was no room, or the machine failed. */
const ofTheMachine: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'EFBIG', 'EMFILE', 'ENFILE'])

/** Why something could not be written, with its name: UsageError where another place would do, HarnessError else. */
export function writeFailure(what: string, error: unknown): UsageError | HarnessError {
  const sentence = `cannot ${what}: ${describeError(error)}`
  const { code } = error as NodeJS.ErrnoException
  return ofTheMachine.has(code) ? new HarnessError(sentence, { cause: error }) : new UsageError(sentence)
}

/** Makes a folder where there is none. Throws UsageError or HarnessError that name it. */
export function ensureFolder(path: string): void {
  try {
    makeFolder(path)
  } catch (error) {
    throw writeFailure(`create ${path}`, error)
  }
}

/** Write a file whole or not at all: an older one stays when the disk is full. Throws UsageError or HarnessError. */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const part = `${path}.part`
  try {
    // What a killed process has left there, or another user has put there, is not written into.
    await rm(part, { force: true })
    await writeFile(part, content, { flag: 'wx' })
    await rename(part, path)
  } catch (error) {
    await rm(part, { force: true }).catch(() => {})
    throw writeFailure(`write ${path}`, error)
  }
}
