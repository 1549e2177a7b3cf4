import { isAlias, isMap, isNode, isPair, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml'
import type { Document, Node, Pair, YAMLMap } from 'yaml'

export type Path = readonly PropertyKey[]

/** One thing that is wrong. `at: key` points at the key of the last path element, else at its value. */
export interface Problem {
  readonly path: Path
  readonly at?: 'key'
  readonly message: string
}

/** A text that was read: plain data, and where each part of it stands. */
export interface Source {
  readonly data: unknown
  /** Where a path stands, or the nearest part above it that exists. */
  locate(path: Path, at?: 'key'): Place
}

/** Both from 1. */
interface Place {
  readonly line: number
  readonly column: number
}

/**
 * Read one YAML document (JSON is YAML too): maps, lists, scalars and nothing cleverer. Anchors and aliases are
 * refused, because a small file with them can stand for a huge one.
 * Returns the problems, each with its place, when there are any.
 */
export function readDocument(text: string, file: string): Source | readonly string[] {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true, uniqueKeys: false })
  const locate = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  const place = (offset: number): string => {
    const { line, column } = locate(offset)
    return `${file}:${line}:${column}`
  }
  const deep = document.errors.find(({ message }) => /stack/i.test(message))
  if (deep) return [`${place(deep.pos[0])}: nested too deeply; a scenario has at most seven levels`]
  const faults = [...document.errors, ...document.warnings].map(({ code, message, pos }) => ({
    offset: pos[0],
    text: `${place(pos[0])}: not valid YAML: ${explanations[code] ?? message}`,
  }))
  const problems = [...faults, ...findForbidden(document, place)].sort((a, b) => a.offset - b.offset)
  if (problems.length > 0) return [...new Set(problems.map((problem) => problem.text))]
  return { data: document.toJS(), locate: (path, at) => locate(offsetOf(document, path, at)) }
}

const explanations: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: 'a second document begins here; one file is one scenario',
  TAB_AS_INDENT: 'a tab cannot indent; use spaces',
  NON_STRING_KEY: 'a key must be a text',
}

/** Valid YAML that a scenario may not use. The parser's own search for repeated keys is quadratic; this is not. */
function findForbidden(document: Document, place: (offset: number) => string): { offset: number; text: string }[] {
  const found: { offset: number; text: string }[] = []
  const report = (node: unknown, text: string): void => {
    const offset = startOf(node)
    found.push({ offset, text: `${place(offset)}: ${text}` })
  }
  visit(document, (_, node) => {
    if (isNode(node) && (isAlias(node) || ('anchor' in node && node.anchor)))
      report(node, 'anchors and aliases are not allowed; write it out')
    if (isMap(node))
      for (const key of repeatedKeys(node)) report(key, 'this key is already there; each key may stand once in a map')
  })
  return found
}

function repeatedKeys({ items }: YAMLMap): readonly unknown[] {
  const seen = new Set<string>()
  return items.flatMap(({ key }) => {
    const name = isScalar(key) ? String(key.value) : ''
    const again = seen.has(name)
    seen.add(name)
    return again ? [key] : []
  })
}

function offsetOf(document: Document, path: Path, at: 'key' | undefined): number {
  let node: unknown = document.contents
  let offset = startOf(node)
  for (const [depth, step] of path.entries()) {
    const child = childOf(node, step)
    if (child === undefined) break
    node = isPair(child) ? child.value : child
    const wantsKey = isPair(child) && ((at === 'key' && depth === path.length - 1) || isEmpty(node))
    offset = wantsKey ? startOf((child as Pair).key) : startOf(node)
  }
  return offset
}

function childOf(node: unknown, step: PropertyKey): Pair | Node | undefined {
  if (isMap(node)) return node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step))
  return isSeq(node) ? (node.items[Number(step)] as Node | undefined) : undefined
}

/** A value that is not there, as in `load:`, is best shown by its key. */
function isEmpty(node: unknown): boolean {
  return node === null || (isScalar(node) && node.value === null)
}

function startOf(node: unknown): number {
  return isNode(node) ? (node.range?.[0] ?? 0) : 0
}
