import { readFile } from 'node:fs/promises'
import type { z } from 'zod'
import { describeError, HarnessError, UsageError } from '../core/errors.ts'

/**
 * Parse a JSON file of a run folder. Throws UsageError when another version of outlast wrote it, and HarnessError that says what
 * is wrong when it is damaged: not JSON, or not of the shape that this version writes.
 */
export function parseVersioned<T>(text: string, file: string, schema: z.ZodType<T>, version?: number): T {
  const data = parseJson(text, file)
  const found = (data as { version?: unknown } | null)?.version
  if (version !== undefined && !Number.isSafeInteger(found))
    throw new HarnessError(`${file}: it has no version, which every file of a run has`)
  if (version !== undefined && found !== version)
    throw new UsageError(
      `${file} was written by another version of outlast: it is of version ${String(found)}, this one reads version ${version}`,
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
export async function readVersioned<T>(path: string, schema: z.ZodType<T>, version?: number): Promise<T> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new HarnessError(`cannot read ${path}: ${describeError(error)}`)
  })
  return parseVersioned(text, path, schema, version)
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new HarnessError(`${file} is not JSON: ${describeError(error)}`)
  }
}

function where(path: readonly PropertyKey[]): string {
  return path.length > 0 ? `at ${path.map(String).join('.')}: ` : ''
}
