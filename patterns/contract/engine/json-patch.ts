import { applyPatch, type Operation } from 'rfc6902'
import { canonical } from '../types/canonical.ts'

/**
 * Applies one operation of RFC 6902 to the document itself. False: it does not apply, and the document is worth nothing any
 * more. The library has the operations that change a document; to where one leads only what the document itself holds: the
 * library would walk on into what every object inherits, and change that.
 */
export function applyOperation(document: object, operation: Operation): boolean {
  const { op, path } = operation
  if (op === 'move') return moveValue(document, operation)
  if (op === 'copy') return addValue(document, path, valueAt(document, operation.from))
  if (op === 'add') return addValue(document, path, operation.value)
  const there = valueAt(document, path)
  if (op === 'test') return there !== undefined && canonical(there) === canonical(operation.value)
  return there !== undefined && applyPatch(document, [operation])[0] === null
}

/** Nothing goes into itself. */
function moveValue(document: object, { from, path }: { readonly from: string; readonly path: string }): boolean {
  const value = valueAt(document, from)
  if (value === undefined || path.startsWith(`${from}/`)) return false
  return applyPatch(document, [{ op: 'remove', path: from }])[0] === null && addValue(document, path, value)
}

function addValue(document: object, path: string, value: unknown): boolean {
  const { holder, name } = placeOf(document, path)
  if (value === undefined || typeof holder !== 'object' || holder === null) return false
  const isPlace = !Array.isArray(holder) || name === '-' || (isIndex(name) && Number(name) <= holder.length)
  return isPlace && applyPatch(document, [{ op: 'add', path, value }])[0] === null
}

/** Undefined: there is none, since JSON has none. */
function valueAt(document: object, path: string): unknown {
  const { holder, name } = placeOf(document, path)
  return memberOf(holder, name)
}

/** What a JSON Pointer (RFC 6901) leads to: a name in an object, or a place in a list. */
function placeOf(document: unknown, path: string): { readonly holder: unknown; readonly name: string } {
  const names = path.split('/').map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'))
  return { holder: names.slice(1, -1).reduce(memberOf, document), name: names.at(-1)! }
}

function memberOf(holder: unknown, name: string): unknown {
  if (Array.isArray(holder)) return isIndex(name) ? (holder[Number(name)] as unknown) : undefined
  if (typeof holder !== 'object' || holder === null || !Object.hasOwn(holder, name)) return undefined
  return (holder as Record<string, unknown>)[name]
}

function isIndex(name: string): boolean {
  return /^(0|[1-9]\d*)$/.test(name)
}
