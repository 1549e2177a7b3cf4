import { createHash } from 'node:crypto'
import type { Context } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import * as agent from '../../agent/work.ts'
import { canonical } from '../types/canonical.ts'
import { ProblemError } from '../types/problems.ts'
import { taskRequest, type TaskRequest } from '../types/task.ts'

const bodyLimitBytes = 65_536

export const limitBody = bodyLimit({
  maxSize: bodyLimitBytes,
  onError: () => {
    throw new ProblemError('body-too-large', `at most ${bodyLimitBytes} bytes`)
  },
})

/** A Structured Field string, as the draft wants it, or the bare text that most APIs take. */
export function idempotencyKey(header: string | undefined): string {
  if (!header) throw new ProblemError('idempotency-key-missing', 'send a unique Idempotency-Key with every submission')
  const key = header.replace(/^"(.*)"$/, '$1')
  if (/^[\x21-\x7e]{1,128}$/.test(key) && !key.includes('"')) return key
  throw new ProblemError('validation', 'Idempotency-Key: 1 to 128 visible ASCII characters')
}

/** The body of a submission: what every task has, and the input of the agent's work. */
export const submission = taskRequest.extend({ input: agent.input })

/** The body of a submission, checked. Throws problems. */
export async function parseRequest(c: Context): Promise<TaskRequest> {
  requireJson(c)
  const parsed = submission.safeParse(await readJson(c))
  if (!parsed.success) throw new ProblemError('validation', explainIssues(parsed.error.issues))
  // Which shape the input has, `agent/work.ts` alone knows.
  const request: object = parsed.data
  return request as TaskRequest
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

async function readJson(c: Context): Promise<unknown> {
  const bytes = await c.req.arrayBuffer().catch(() => {
    throw new ProblemError('validation', 'the body is not whole')
  })
  try {
    return JSON.parse(utf8.decode(bytes))
  } catch {
    throw new ProblemError('validation', 'the body is not JSON in UTF-8')
  }
}

function explainIssues(issues: readonly { path: readonly PropertyKey[]; message: string }[]): string {
  return issues.map((issue) => `${issue.path.map(String).join('.') || 'body'}: ${issue.message}`).join('; ')
}

export function refuseCallback(request: TaskRequest): void {
  if (request.delivery) throw new ProblemError('validation', 'delivery: this server posts no callbacks')
}

/** Equal for requests that mean the same: key order and spelling of the JSON do not count. */
export function fingerprintOf(request: TaskRequest): string {
  return createHash('sha256').update(canonical(request)).digest('hex')
}
