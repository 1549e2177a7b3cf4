import { readFile } from 'node:fs/promises'
import type { z } from 'zod'
import { describeError, UsageError } from '../core/errors.ts'

/**
 * Parse a JSON file of a run folder. Throws UsageError that says what is wrong: not JSON, written by another version
 * of outlast, or not of the shape that this version writes.
 */
export function parseVersioned<T>(text: string, file: string, schema: z.ZodType<T>, version?: number): T {
  const data = parseJson(text, file)
  const found = (data as { version?: unknown } | null)?.version
  if (version !== undefined && found !== version)
    throw new UsageError(
      `${file} was written by another version of outlast: it is of version ${String(found)}, this one reads version ${version}`,
    )
  const parsed = schema.safeParse(data)
  if (parsed.success) return parsed.data
  throw new UsageError(parsed.error.issues.slice(0, 10).map((issue) => `${file}: ${where(issue.path)}${issue.message}`))
}

/** `parseVersioned` on a file; UsageError when it cannot be read. */
export async function readVersioned<T>(path: string, schema: z.ZodType<T>, version?: number): Promise<T> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new UsageError(`cannot read ${path}: ${describeError(error)}`)
  })
  return parseVersioned(text, path, schema, version)
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new UsageError(`${file} is not JSON: ${describeError(error)}`)
  }
}

function where(path: readonly PropertyKey[]): string {
  return path.length > 0 ? `at ${path.map(String).join('.')}: ` : ''
}
