import { createHash } from 'node:crypto'
import type { Context } from 'hono'
import * as agent from '../../agent/work.ts'
import { canonical } from '../types/canonical.ts'
import { ProblemError } from '../types/problems.ts'
import { taskRequest, type TaskRequest } from '../types/task.ts'
import { checkedBy, readJson } from './body.ts'

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
  // Which shape the input has, `agent/work.ts` alone knows.
  const request: object = checkedBy(submission, await readJson(c))
  return request as TaskRequest
}

export function refuseCallback(request: TaskRequest): void {
  if (request.delivery) throw new ProblemError('validation', 'delivery: this server posts no callbacks')
}

/** Equal for requests that mean the same: key order and spelling of the JSON do not count. */
export function fingerprintOf(request: TaskRequest): string {
  return createHash('sha256').update(canonical(request)).digest('hex')
}
