import { isAlias, isMap, isNode, isPair, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml'
import type { Document, Node, Pair, YAMLMap } from 'yaml'
import { firstProblems, type Locate, type Location, mayQuote, type Path } from './problems.ts'

/** A text that was read: plain data, and where each part of it is. */
export interface Source {
  readonly data: unknown
  readonly locate: Locate
  /** The text with other values of one key. All else stays as it was written, comments too. */
  withValues(key: string, replaced: ReadonlyMap<string, string>): string
}

/** A part of a document that is set to something else, or that was not there. */
export interface Change {
  readonly path: readonly string[]
  readonly value: unknown
}

/** A text that `readDocument` took, with these parts changed: comments stay, what is between words may not. */
export function withChanges(text: string, changes: readonly Change[]): string {
  if (changes.length === 0) return text
  const document = parseDocument(text, { prettyErrors: false, stringKeys: true })
  for (const { path, value } of changes) document.setIn(path, document.createNode(value))
  return document.toString({ lineWidth: 0 })
}

/** The same on the plain data of a document. */
export function changed(data: unknown, changes: readonly Change[]): unknown {
  const copy = structuredClone(data)
  for (const { path, value } of changes) {
    const [last, above] = [path.at(-1)!, path.slice(0, -1)]
    const parent = above.reduce((node, step) => (node as Record<string, unknown> | undefined)?.[step], copy)
    if (typeof parent === 'object' && parent !== null) (parent as Record<string, unknown>)[last] = value
  }
  return copy
}

/**
 * Read one YAML document (JSON is YAML too): maps, lists, scalars and nothing cleverer. Anchors and aliases are
 * refused, because a small file with them can expand to a huge one, and so is what nests without end.
 * Where there are problems, returns them instead, each with its place.
 */
export function readDocument(text: string, file: string): Source | readonly string[] {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true, uniqueKeys: false })
  const locate = (offset: number): Location => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  const prefix = (offset: number): string => {
    const { line, column } = locate(offset)
    return `${file}:${line}:${column}`
  }
  const deep = findTooDeep(document) ?? document.errors.find(({ code }) => code === 'RESOURCE_EXHAUSTION')?.pos[0]
  if (deep !== undefined) return [`${prefix(deep)}: nested too deeply; a scenario has at most seven levels`]
  const faults = [...document.errors, ...document.warnings].map(({ code, message, pos }) => ({
    offset: pos[0],
    text: `${prefix(pos[0])}: not valid YAML: ${explanations[code] ?? (mayQuote() ? message : 'it cannot be read')}`,
  }))
  const problems = [...faults, ...findForbidden(document, prefix), ...findDirective(document, text, prefix)]
  problems.sort((a, b) => a.offset - b.offset)
  const found = problems.map((problem) => problem.text)
  if (found.length > 0) return firstProblems(found, file)
  return {
    data: document.toJS(),
    locate: (path, at) => locate(offsetOf(document, path, at)),
    withValues: (key, replaced) => replaceValues(document, text, key, replaced),
  }
}

const explanations: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: 'a second document begins here; one file is one scenario',
  TAB_AS_INDENT: 'a tab cannot indent; use spaces',
  NON_STRING_KEY: 'a key must be a text',
}

/** Far more than the language has: what nests deeper is an attack, or a mistake. */
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

/** Directives choose another version of YAML, which reads other texts as numbers and dates. */
function findDirective(document: Document, text: string, prefix: Prefix): readonly Forbidden[] {
  const { yaml, tags } = document.directives ?? {}
  if (!yaml?.explicit && Object.keys(tags ?? {}).every((handle) => handle === '!!')) return []
  const offset = Math.max(0, text.search(/^%/m))
  return [{ offset, text: `${prefix(offset)}: directives (%YAML, %TAG) are not allowed; leave them out` }]
}

interface Forbidden {
  readonly offset: number
  readonly text: string
}

/** `file:line:column` of an offset. */
type Prefix = (offset: number) => string

/** Valid YAML that a scenario may not use. The parser's own search for repeated keys is quadratic; this is not. */
function findForbidden(document: Document, prefix: Prefix): readonly Forbidden[] {
  const found: Forbidden[] = []
  const links: unknown[] = []
  const report = (node: unknown, text: string): void => {
    const offset = startOf(node)
    found.push({ offset, text: `${prefix(offset)}: ${text}` })
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

function replaceValues(document: Document, text: string, key: string, replaced: ReadonlyMap<string, string>): string {
  const found: { readonly from: number; readonly until: number; readonly value: string }[] = []
  visit(document, {
    Pair(_, pair) {
      if (!isScalar(pair.key) || pair.key.value !== key || !isScalar(pair.value) || !pair.value.range) return
      const value = replaced.get(String(pair.value.value))
      if (value !== undefined) found.push({ from: pair.value.range[0], until: pair.value.range[1], value })
    },
  })
  return found.reduceRight((kept, { from, until, value }) => {
    // A text in a block of its own ends with its line.
    const end = text.slice(from, until).endsWith('\n') ? '\n' : ''
    return kept.slice(0, from) + JSON.stringify(value) + end + kept.slice(until)
  }, text)
}
