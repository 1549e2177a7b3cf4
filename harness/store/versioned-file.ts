import type { z } from 'zod'
import { describeError, HarnessError, UsageError } from '../core/errors.ts'
import { isTooDeep } from '../core/json-depth.ts'
import { readRegular, UntrustedFile } from '../core/own-file.ts'

/** Parse a JSON file of a run. Throws UsageError for another version's, HarnessError with why for a damaged one. */
export function parseVersioned<T>(
  text: string,
  file: string,
  schema: z.ZodType<T>,
  versions: readonly number[] = [],
): T {
  return fitVersioned(parseJson(text, file), file, schema, versions)
}

/** The same for what was parsed already. */
export function fitVersioned<T>(
  data: unknown,
  file: string,
  schema: z.ZodType<T>,
  versions: readonly number[] = [],
): T {
  const found = (data as { version?: unknown } | null)?.version
  if (versions.length > 0 && !Number.isSafeInteger(found))
    throw new HarnessError(`${file}: it has no version, which every file of a run has`)
  if (versions.length > 0 && !versions.includes(found as number))
    throw new UsageError(
      `${file} was written by another version of outlast: it is of version ${String(found)}, this one reads version ${versions.join(' and ')}`,
    )
  return parseShape(data, file, schema)
}

/** Throws HarnessError that says what does not fit. */
export function parseShape<T>(data: unknown, file: string, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(data)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new HarnessError(`${file}: ${where(issue!.path)}${issue!.message}`)
}

/** `parseVersioned` on a file; HarnessError when it cannot be read. */
export async function readVersioned<T>(path: string, schema: z.ZodType<T>, versions?: readonly number[]): Promise<T> {
  const text = await readDocument(path)
  if (text === undefined) throw new HarnessError(`there is no ${path}`)
  return parseVersioned(text, path, schema, versions)
}

/** As long as a text may be that is parsed as a whole: results have a line per task. */
export const maxDocumentBytes = 256 * 2 ** 20

/** The text of a file of a run folder, undefined where there is none; HarnessError when it cannot be read. */
export async function readDocument(path: string): Promise<string | undefined> {
  const bytes = await readRegular(path, { maxBytes: maxDocumentBytes }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error instanceof UntrustedFile ? error : new HarnessError(`cannot read ${path}: ${describeError(error)}`)
  })
  return bytes?.toString('utf8')
}

/** HarnessError for what is no JSON, or nested too deeply. */
export function parseJson(text: string, file: string): unknown {
  if (isTooDeep(text)) throw new HarnessError(`${file} is nested too deeply: no version of outlast wrote it`)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new HarnessError(`${file} is not JSON: ${describeError(error)}`)
  }
}

function where(path: readonly PropertyKey[]): string {
  return path.length > 0 ? `at ${path.map(String).join('.')}: ` : ''
}
