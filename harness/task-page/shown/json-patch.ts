/** One operation of RFC 6902. */
export interface Operation {
  readonly op: string
  readonly path: string
  readonly from?: string
  readonly value?: unknown
}

type Members = Readonly<Record<string, unknown>>

/** An operation that does not apply, and which one it is, from 1. */
export class DoesNotApply extends Error {
  override readonly name = 'DoesNotApply'
}

/**
 * The document after a JSON Patch (RFC 6902), of which all applies or nothing. The old document stays as it is. Throws DoesNotApply.
 * It is the page's own: what the server uses does not run in a browser. A test holds the two against each other.
 */
export function patched(document: unknown, patch: readonly Operation[]): unknown {
  return patch.reduce((current, operation, i) => {
    const next = afterOperation(current, operation)
    if (next === undefined)
      throw new DoesNotApply(`operation ${i + 1} (${operation.op} ${operation.path}) does not apply`)
    return next
  }, document)
}

/** Undefined: it does not apply. No JSON is undefined. */
function afterOperation(document: unknown, { op, path, from = '', value }: Operation): unknown {
  const place = namesOf(path)
  if (op === 'add') return put(document, place, value)
  if (op === 'remove') return remove(document, place)
  const there = valueAt(document, place)
  if (op === 'replace') return there === undefined ? undefined : replace(document, place, value)
  if (op === 'test') return there !== undefined && isSame(there, value) ? document : undefined
  const moved = valueAt(document, namesOf(from))
  if (moved === undefined) return undefined
  if (op === 'copy') return put(document, place, moved)
  if (op !== 'move' || path.startsWith(`${from}/`)) return undefined
  return put(remove(document, namesOf(from)), place, moved)
}

/** The names of a JSON Pointer (RFC 6901). */
export function namesOf(pointer: string): readonly string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'))
}

export function pointerOf(names: readonly string[]): string {
  return names.map((name) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

function valueAt(document: unknown, names: readonly string[]): unknown {
  return names.reduce(memberOf, document)
}

function memberOf(holder: unknown, name: string): unknown {
  if (Array.isArray(holder)) return isIndex(name) ? (holder[Number(name)] as unknown) : undefined
  return isObject(holder) && Object.hasOwn(holder, name) ? holder[name] : undefined
}

type Change = (holder: unknown, name: string) => unknown

/** A copy in which the holder of the last name is changed; undefined: there is none, or it cannot be changed so. */
function changed(document: unknown, [name, ...rest]: readonly string[], change: Change): unknown {
  if (name === undefined || document === undefined) return undefined
  if (rest.length === 0) return change(document, name)
  const member = changed(memberOf(document, name), rest, change)
  return member === undefined ? undefined : withMember(document, name, member)
}

function put(document: unknown, names: readonly string[], value: unknown): unknown {
  return changed(document, names, (holder, name) => {
    if (value === undefined) return undefined
    if (!Array.isArray(holder)) return isObject(holder) ? withMember(holder, name, value) : undefined
    const at = name === '-' ? holder.length : isIndex(name) ? Number(name) : Infinity
    return at <= holder.length ? holder.toSpliced(at, 0, value) : undefined
  })
}

function remove(document: unknown, names: readonly string[]): unknown {
  return changed(document, names, (holder, name) => {
    if (memberOf(holder, name) === undefined) return undefined
    if (Array.isArray(holder)) return holder.toSpliced(Number(name), 1)
    return Object.fromEntries(Object.entries(holder as Members).filter(([own]) => own !== name))
  })
}

function replace(document: unknown, names: readonly string[], value: unknown): unknown {
  return changed(document, names, (holder, name) => (value === undefined ? undefined : withMember(holder, name, value)))
}

function withMember(holder: unknown, name: string, value: unknown): unknown {
  if (Array.isArray(holder)) return holder.with(Number(name), value)
  return { ...(holder as Members), [name]: value }
}

/** Equal as JSON: the order of names does not count. */
export function isSame(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => isSame(item, b[i]))
  if (!isObject(a) || !isObject(b)) return a === b
  const names = Object.keys(a)
  return (
    names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && isSame(a[name], b[name]))
  )
}

export function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isIndex(name: string): boolean {
  return /^(0|[1-9]\d*)$/.test(name)
}
