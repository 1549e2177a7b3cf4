import { isAlias, isMap, isNode, isPair, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml'
import type { Document, Node, Pair, YAMLMap } from 'yaml'
import { mayQuote } from './quote.ts'

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
 * refused, because a small file with them can stand for a huge one, and so is what nests without end.
 * Returns the problems, each with its place, when there are any; of a kind that comes in thousands, one with their number.
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
  const deep = findTooDeep(document) ?? document.errors.find(({ code }) => code === 'RESOURCE_EXHAUSTION')?.pos[0]
  if (deep !== undefined) return [`${place(deep)}: nested too deeply; a scenario has at most seven levels`]
  const faults = [...document.errors, ...document.warnings].map(({ code, message, pos }) => ({
    offset: pos[0],
    text: `${place(pos[0])}: not valid YAML: ${explanations[code] ?? (mayQuote() ? message : 'it cannot be read')}`,
  }))
  const problems = [...faults, ...findForbidden(document, place), ...findDirective(document, text, place)]
  problems.sort((a, b) => a.offset - b.offset)
  if (problems.length > 0) return mostOf([...new Set(problems.map((problem) => problem.text))], file)
  return { data: document.toJS(), locate: (path, at) => locate(offsetOf(document, path, at)) }
}

const explanations: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: 'a second document begins here; one file is one scenario',
  TAB_AS_INDENT: 'a tab cannot indent; use spaces',
  NON_STRING_KEY: 'a key must be a text',
}

/** Far beyond what anything here has: who nests deeper means harm, or has lost count. */
const mostLevels = 50

function findTooDeep(document: Document): number | undefined {
  let found: number | undefined
  visit(document, (_, node, path) => {
    if (!isNode(node) || path.filter((one) => isMap(one) || isSeq(one)).length < mostLevels) return undefined
    found = startOf(node)
    return visit.BREAK
  })
  return found
}

/** They choose another YAML, in which other things are numbers, dates and copies. */
function findDirective(document: Document, text: string, place: Locate): readonly Found[] {
  const { yaml, tags } = document.directives ?? {}
  if (!yaml?.explicit && Object.keys(tags ?? {}).every((handle) => handle === '!!')) return []
  const offset = Math.max(0, text.search(/^%/m))
  return [{ offset, text: `${place(offset)}: directives (%YAML, %TAG) are not allowed; leave them out` }]
}

/** Nobody repairs more than this at once. */
export const mostProblems = 50

function mostOf(lines: readonly string[], file: string): readonly string[] {
  const more = lines.length - mostProblems
  return more > 0 ? [...lines.slice(0, mostProblems), `${file}: and ${more} more problems`] : lines
}

interface Found {
  readonly offset: number
  readonly text: string
}

type Locate = (offset: number) => string

/** Valid YAML that a scenario may not use. The parser's own search for repeated keys is quadratic; this is not. */
function findForbidden(document: Document, place: Locate): readonly Found[] {
  const found: Found[] = []
  const links: unknown[] = []
  const report = (node: unknown, text: string): void => {
    const offset = startOf(node)
    found.push({ offset, text: `${place(offset)}: ${text}` })
  }
  visit(document, (_, node) => {
    if (isNode(node) && (isAlias(node) || ('anchor' in node && node.anchor))) links.push(node)
    if (isMap(node))
      for (const key of repeatedKeys(node)) report(key, 'this key is already there; each key may stand once in a map')
  })
  const many = links.length > 1 ? ` (${links.length} here)` : ''
  if (links.length > 0) report(links[0], `anchors and aliases are not allowed${many}; write it out`)
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
