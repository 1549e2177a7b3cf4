import { stat, readFile } from 'node:fs/promises'
import { describeError, UsageError } from '../core/errors.ts'
import type { Catalog } from './catalog.ts'
import { parseScenario } from './parse.ts'
import type { Scenario } from './scenario.ts'

const maxBytes = 1_000_000

/** Read and check a scenario. Throws one UsageError with every problem, each as `file:line:column: wrong; allowed`. */
export async function loadScenario(path: string, catalog: Catalog): Promise<Scenario> {
  return parseScenario(await readText(path), path, catalog)
}

/** A text file of at most 1 MB, or a UsageError that says why it is not one. */
export async function readText(path: string): Promise<string> {
  const refuse = (why: string): UsageError => new UsageError(`${path}: ${why}`)
  const found = await stat(path).catch((error: unknown) => {
    throw refuse(describeStat(error))
  })
  if (found.isDirectory()) throw refuse('is a directory; name a file')
  if (!found.isFile()) throw refuse('is not a regular file; name a file')
  if (found.size > maxBytes) throw refuse(`has ${found.size} bytes; at most ${maxBytes} are read`)
  const bytes = await readFile(path).catch((error: unknown) => {
    throw refuse(describeError(error))
  })
  const text = decode(bytes)
  if (text === undefined) throw refuse('is not a text file; write YAML in UTF-8')
  return text
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return text.includes('\0') ? undefined : text
  } catch {
    return undefined
  }
}

function describeStat(error: unknown): string {
  const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
  return missing ? 'there is no such file' : describeError(error)
}
