import type { z } from 'zod'
import { mostProblems, type Path, type Problem, type Source } from './document.ts'
import { suggest } from './did-you-mean.ts'
import { describe } from './quote.ts'

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

/** All that a schema has against a value, in the language's own words. */
export function findProblems(schema: z.ZodType, data: unknown): readonly Problem[] {
  const parsed = schema.safeParse(data, { error: explainIssue })
  return parsed.success ? [] : parsed.error.issues.flatMap(problemsOf)
}

/** `file:line:column: what is wrong; what is allowed`, in the order of the file. */
export function formatProblems(problems: readonly Problem[], source: Source, file: string): readonly string[] {
  // Finding a place costs time: a file of nothing but mistakes must not take minutes.
  const placed = problems.slice(0, 10 * mostProblems).map(({ path, at, message }) => ({
    ...source.locate(path, at),
    text: sentence(formatPath(at === 'key' ? path.slice(0, -1) : path), message),
  }))
  placed.sort((a, b) => a.line - b.line || a.column - b.column)
  const lines = [...new Set(placed.map(({ line, column, text }) => `${file}:${line}:${column}: ${text}`))]
  const more = Math.max(lines.length, problems.length) - mostProblems
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

/** zod asks this for every message that a schema does not have of its own. */
export function explainIssue(issue: RawIssue): string | undefined {
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

/** Only of unions that are told apart by a key: others have a message of their own. */
function explainUnion(issue: RawIssue & { code: 'invalid_union' }): string | undefined {
  const { discriminator, options } = issue as { discriminator?: string; options?: readonly unknown[] }
  if (!discriminator || !options) return undefined
  const names = options.map(String)
  const written = (issue.input as Record<string, unknown> | undefined)?.[discriminator]
  if (written === undefined) return `is missing; ${discriminator}s: ${names.join(', ')}`
  return `unknown ${discriminator} ${describe(written)}${suggest(written, names)}; ${discriminator}s: ${names.join(', ')}`
}

function problemsOf(issue: Issue): readonly Problem[] {
  if (issue.code === 'unrecognized_keys') {
    const messages = issue.message.split('\n')
    return issue.keys.map((key, i) => ({ path: [...issue.path, key], at: 'key', message: messages[i]! }))
  }
  if (issue.code === 'invalid_key') return [{ path: issue.path, at: 'key', message: issue.message }]
  return [{ path: issue.path, message: issue.message }]
}
