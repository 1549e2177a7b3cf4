import { hash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { jsonpath } from 'json-p3'
import { parseExactly } from '../core/exact-json.ts'
import { fill, type Values } from './template.ts'

/** What stands in a history for the right result of a target: whether it is right is the target's own to say. */
export const rightDigest = 'right'

/** The digest of a document: `right`, or one that tells wrong results apart. */
export function digestFor(isRight: boolean, document: unknown): string {
  return isRight ? rightDigest : `wrong-${hash('sha256', JSON.stringify(document) ?? '', 'hex').slice(0, 16)}`
}

/**
 * Whether a document has what is asked for: a JSONPath (RFC 9535) that finds anything but null or false, or `path == JSON` that
 * finds this value. `values`: of its placeholders.
 */
export function isRight(right: string, document: unknown, values: Values): boolean {
  const { path, wanted } = parseRight(fill(right, values))
  const found = findAll(path, document)
  if (wanted === undefined) return found.some((value) => value !== null && value !== false)
  return found.some((value) => isDeepStrictEqual(value, wanted))
}

/** Whether a document has nothing at all where a right result would be: it is not the whole one. */
export function lacksResult(right: string, document: unknown, values: Values): boolean {
  return findAll(parseRight(fill(right, values)).path, document).every((value) => value === null)
}

/** The first value that a path finds; undefined: none. */
export function findOne(path: string, document: unknown): unknown {
  return findAll(path, document)[0]
}

/** Why it cannot be asked for, or undefined. */
export function whyNoRight(right: string): string | undefined {
  return whyNot(() => jsonpath.compile(parseRight(right).path))
}

/** The same of a path. */
export function whyNoPath(path: string): string | undefined {
  return whyNot(() => jsonpath.compile(path))
}

function whyNot(act: () => unknown): string | undefined {
  try {
    act()
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function findAll(path: string, document: unknown): readonly unknown[] {
  // A document that is a single value, or none, has no parts.
  if (typeof document !== 'object' || document === null) return path === '$' ? [document] : []
  return jsonpath.query(path, document as Parameters<typeof jsonpath.query>[1]).values()
}

function parseRight(text: string): { readonly path: string; readonly wanted?: unknown } {
  const at = text.lastIndexOf(' == ')
  // Inside a filter it is part of the path.
  if (at < 0 || text.indexOf(']', at) >= 0) return { path: text.trim() }
  return { path: text.slice(0, at).trim(), wanted: parseExactly(text.slice(at + 4)) }
}
