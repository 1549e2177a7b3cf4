import { z } from 'zod'
import { didYouMean } from '../core/did-you-mean.ts'

export type Path = readonly PropertyKey[]

/** One thing that is wrong. `at: key` points at the key of the last path element, else at its value. */
export interface Problem {
  readonly path: Path
  readonly at?: 'key'
  readonly message: string
}

/** Both from 1. */
export interface Location {
  readonly line: number
  readonly column: number
}

/** Where a path is in a text, or the nearest part above it that exists. */
export type Locate = (path: Path, at?: 'key') => Location

/** An author repairs at most this many at once. */
const mostProblems = 50

/** What a schema makes of a value, or else all that it has against the value, in the language's own words. */
export function read<T>(
  schema: z.ZodType<T>,
  value: unknown,
  path: Path = [],
): { readonly value?: T; readonly problems: readonly Problem[] } {
  const parsed = schema.safeParse(value, { error: explainIssue })
  if (parsed.success) return { value: parsed.data, problems: [] }
  return { problems: parsed.error.issues.flatMap((issue) => problemsOf(issue, path)) }
}

/** The same for each key of a map by itself: the values that are right, whatever is wrong with the others. */
export function readKeys<S extends Readonly<Record<string, z.ZodType>>>(
  shape: S,
  data: unknown,
): { readonly values: Values<S>; readonly problems: readonly Problem[] } {
  if (!isMap(data)) return { values: {}, problems: read(z.record(z.string(), z.unknown()), data).problems }
  const keys = Object.keys(shape)
  const each = keys.map((key) => ({ key, ...read(shape[key]!, data[key], [key]) }))
  const right = each.filter(({ problems }) => problems.length === 0)
  const unknown = Object.keys(data).filter((key) => !keys.includes(key))
  const values = Object.fromEntries(right.map(({ key, value }) => [key, value])) as Values<S>
  const unknowns = unknown.map((key): Problem => ({ path: [key], at: 'key', message: unknownKey(key, keys) }))
  return { values, problems: [...each.flatMap(({ problems }) => problems), ...unknowns] }
}

/** What the keys of a map hold. A key whose value is wrong is left out. */
export type Values<S extends Readonly<Record<string, z.ZodType>>> = Partial<{
  readonly [K in keyof S]: z.output<S[K]>
}>

export function isMap(data: unknown): data is Readonly<Record<string, unknown>> {
  return typeof data === 'object' && data !== null && !Array.isArray(data)
}

/** A map with these keys and no others. Its message for unknown keys has one line per key, in zod's order. */
export function section<S extends z.core.$ZodLooseShape>(shape: S) {
  const known = Object.keys(shape)
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? (issue.keys as string[]).map((key) => unknownKey(key, known)).join('\n')
        : undefined,
  })
}

function unknownKey(key: string, known: readonly string[]): string {
  return `unknown key ${describe(key)}${suggest(key, known)}; keys: ${known.join(', ')}`
}

/** `file:line:column: what is wrong; what is allowed`, in the order of the file. */
export function formatProblems(problems: readonly Problem[], locate: Locate, file: string): readonly string[] {
  // Finding a place costs time: a file of nothing but mistakes must not take minutes.
  const located = problems.slice(0, 10 * mostProblems).map(({ path, at, message }) => ({
    ...locate(path, at),
    text: sentence(formatPath(at === 'key' ? path.slice(0, -1) : path), message),
  }))
  located.sort((a, b) => a.line - b.line || a.column - b.column)
  const lines = located.map(({ line, column, text }) => `${file}:${line}:${column}: ${text}`)
  return firstProblems(lines, file, problems.length)
}

/** The first of these lines, each once, and how many more there are. `total`: of all, where the lines are not all. */
export function firstProblems(all: readonly string[], file: string, total = 0): readonly string[] {
  const lines = [...new Set(all)]
  const more = Math.max(lines.length, total) - mostProblems
  return more > 0 ? [...lines.slice(0, mostProblems), `${file}: and ${more} more problems`] : lines
}

function sentence(subject: string, message: string): string {
  if (subject === '') return message
  return /^(?:is|has) /.test(message) ? `${subject} ${message}` : `${subject}: ${message}`
}

/** `arms.kill[0].for`, or nothing for the whole file. */
function formatPath(path: Path): string {
  return path.map((step, i) => (typeof step === 'number' ? `[${step}]` : `${i ? '.' : ''}${String(step)}`)).join('')
}

type Issue = z.core.$ZodIssue
type RawIssue = z.core.$ZodRawIssue

const kinds: Readonly<Record<string, string>> = {
  object: 'a map',
  record: 'a map',
  array: 'a list',
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
}

/** zod asks this for every message that a schema does not have of its own. */
function explainIssue(issue: RawIssue): string | undefined {
  const { input } = issue
  if (issue.code === 'invalid_type') {
    const kind = `write ${kinds[issue.expected] ?? issue.expected}`
    return input === undefined ? `is missing; ${kind}` : `${describe(input)} is not ${kind.slice(6)}; ${kind}`
  }
  if (issue.code === 'invalid_value') return explainChoice(input, issue.values.map(String))
  if (issue.code === 'invalid_union') return explainUnion(issue)
  if (issue.code === 'invalid_key') return issue.issues?.[0]?.message
  return explainLimit(issue)
}

function explainLimit(issue: RawIssue): string | undefined {
  const { input } = issue
  if (issue.code !== 'too_small' && issue.code !== 'too_big') return undefined
  const low = issue.code === 'too_small'
  const limit = Number(low ? issue.minimum : issue.maximum)
  if (Array.isArray(input)) return `${describe(input)} with ${input.length} entries; write at least ${limit}`
  if (typeof input === 'string') return `${describe(input)} is empty; write something`
  const bound = issue.inclusive ? (low ? 'at least' : 'at most') : low ? 'more than' : 'less than'
  return `${describe(input)} is too ${low ? 'small' : 'large'}; write ${bound} ${limit}`
}

function explainChoice(input: unknown, choices: readonly string[]): string {
  const write = `write ${choices.join(' or ')}`
  if (input === undefined) return `is missing; ${write}`
  return `${describe(input)} is not allowed${suggest(input, choices)}; ${write}`
}

/** Of a union whose options differ in one key. Other unions have a message of their own. */
function explainUnion(issue: RawIssue & { code: 'invalid_union' }): string | undefined {
  const { discriminator, options } = issue as { discriminator?: string; options?: readonly unknown[] }
  if (!discriminator || !options) return undefined
  const names = options.map(String)
  const written = (issue.input as Record<string, unknown> | undefined)?.[discriminator]
  if (written === undefined) return `is missing; ${discriminator}s: ${names.join(', ')}`
  return `unknown ${discriminator} ${describe(written)}${suggest(written, names)}; ${discriminator}s: ${names.join(', ')}`
}

function problemsOf(issue: Issue, above: Path): readonly Problem[] {
  const path = [...above, ...issue.path]
  if (issue.code === 'unrecognized_keys') {
    const messages = issue.message.split('\n')
    return issue.keys.map((key, i) => ({ path: [...path, key], at: 'key', message: messages[i]! }))
  }
  if (issue.code === 'invalid_key') return [{ path, at: 'key', message: issue.message }]
  return [{ path, message: issue.message }]
}

/** Whether messages may show what a file holds. */
let isShown = true

/** Read with messages that quote nothing: an include may name a file that the scenario's author must not see. */
export function withoutQuoting<T>(read: () => T): T {
  const before = isShown
  isShown = false
  try {
    return read()
  } finally {
    isShown = before
  }
}

export function mayQuote(): boolean {
  return isShown
}

export function describe(value: unknown): string {
  if (value === null || value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a map'
  if (!isShown) return '"..."'
  if (typeof value === 'number') return String(value)
  if (typeof value !== 'string') return JSON.stringify(value)
  return value.length > 60 ? `"${value.slice(0, 57)}..."` : `"${value}"`
}

/** ` (did you mean "kill"?)`, or nothing: where no name is close, and where the file may not be quoted. */
export function suggest(written: unknown, names: readonly string[]): string {
  return isShown && typeof written === 'string' ? didYouMean(written, names) : ''
}
