import type { Context } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { z } from 'zod'
import { isShallow } from '../types/depth.ts'
import { ProblemError } from '../types/problems.ts'

const bodyLimitBytes = 65_536

export const limitBody = bodyLimit({
  maxSize: bodyLimitBytes,
  onError: () => {
    throw new ProblemError('body-too-large', `at most ${bodyLimitBytes} bytes`)
  },
})

/** The JSON of a request's body. Throws problems: also for what is nested so deeply that nobody could walk it. */
export async function readJson(c: Context): Promise<unknown> {
  requireJson(c)
  const bytes = await c.req.arrayBuffer().catch(() => {
    throw new ProblemError('validation', 'the body is not whole')
  })
  return parseJson(bytes)
}

/** What the schema makes of it. Throws the problem `validation` with every flaw. */
export function checkedBy<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new ProblemError('validation', explainIssues(parsed.error.issues))
}

/** A body of another media type, or one that is coded: the answer says which coding is taken, which is none (RFC 9110, 12.5.3). */
function requireJson(c: Context): void {
  if (!/^application\/([^\s;]+\+)?json\s*(;|$)/i.test(c.req.header('Content-Type') ?? ''))
    throw new ProblemError('unsupported-media-type', 'send application/json')
  const coding = c.req.header('Content-Encoding') ?? 'identity'
  if (coding.toLowerCase() === 'identity') return
  c.header('Accept-Encoding', 'identity')
  throw new ProblemError(
    'unsupported-media-type',
    `Content-Encoding: ${coding.slice(0, 100)} is not taken, send it as it is`,
  )
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function parseJson(bytes: ArrayBuffer): unknown {
  const value = decode(bytes)
  if (isShallow(value)) return value
  throw new ProblemError('validation', 'the body is nested too deeply')
}

function decode(bytes: ArrayBuffer): unknown {
  try {
    return JSON.parse(utf8.decode(bytes))
  } catch {
    throw new ProblemError('validation', 'the body is not JSON in UTF-8')
  }
}

/** A list may have a flaw in every place: the answer is not to be many times as long. */
const mostFlaws = 50

function explainIssues(issues: readonly { path: readonly PropertyKey[]; message: string }[]): string {
  const flaws = issues.map((issue) => `${issue.path.map(String).join('.') || 'body'}: ${issue.message}`)
  const more = flaws.length > mostFlaws ? [`and ${flaws.length - mostFlaws} more`] : []
  return [...flaws.slice(0, mostFlaws), ...more].join('; ')
}
