import { isObject, isSame, pointerOf } from './json-patch.ts'

export type Mark = 'added' | 'changed' | 'removed'

/** One line of a document, and the lines below it. */
export interface Line {
  /** Where it is (RFC 6901): unique among the lines that are there. */
  readonly pointer: string
  readonly name: string
  /** A value as JSON; undefined: what is below it. */
  readonly text: string | undefined
  /** What was there before, of a value that was changed. */
  readonly was: string | undefined
  readonly mark: Mark | undefined
  readonly below: readonly Line[]
}

const nothing = Symbol('nothing')

/**
 * A document as lines. Each that was not so in `before` is marked; what is gone comes after what is there. `before` is undefined
 * where nothing is to be marked.
 */
export function linesOf(document: unknown, before: unknown): readonly Line[] {
  return below([], before === undefined ? document : before, document)
}

function below(place: readonly string[], before: unknown, after: unknown): readonly Line[] {
  const [old, now] = [membersOf(before), membersOf(after)]
  const names = [...new Set([...now.keys(), ...old.keys()])]
  return names.map((name) => lineOf([...place, name], old.get(name) ?? nothing, now.get(name) ?? nothing))
}

/** JSON has a null, which a Map tells from what is not there as `Null`. */
function membersOf(value: unknown): ReadonlyMap<string, unknown> {
  if (Array.isArray(value)) return new Map(value.map((item, i) => [String(i), item ?? Null]))
  return new Map(isObject(value) ? Object.entries(value).map(([name, item]) => [name, item ?? Null]) : [])
}

const Null = Symbol('null')

function lineOf(place: readonly string[], before: unknown, after: unknown): Line {
  const [pointer, name] = [pointerOf(place), place.at(-1)!]
  const shown = after === nothing ? before : after
  const mark = markOf(before, after)
  const line = { pointer, name, text: textOf(shown), was: mark === 'changed' ? shortOf(before) : undefined, mark }
  // What is in place of something else, or gone, has all its lines new, or gone.
  const old = after === nothing || isSameKind(before, after) ? before : nothing
  return { ...line, below: below(place, old, after) }
}

/** An object or a list is as it was where it still is one: its lines say what changed in it. */
function markOf(before: unknown, after: unknown): Mark | undefined {
  if (before === nothing) return 'added'
  if (after === nothing) return 'removed'
  return isSameKind(before, after) || isSame(before, after) ? undefined : 'changed'
}

/** Both objects, or both lists. */
function isSameKind(a: unknown, b: unknown): boolean {
  return (isObject(a) && isObject(b)) || (Array.isArray(a) && Array.isArray(b))
}

function textOf(value: unknown): string | undefined {
  if (value === Null) return 'null'
  if (Array.isArray(value)) return value.length === 0 ? '[]' : undefined
  if (isObject(value)) return Object.keys(value).length === 0 ? '{}' : undefined
  return JSON.stringify(value)
}

const mostText = 120

function shortOf(value: unknown): string {
  const text = value === Null ? 'null' : JSON.stringify(value)
  return text.length > mostText ? `${text.slice(0, mostText - 1)}…` : text
}
