import { resolutionMs } from '../core/clock.ts'
import { createHmac } from 'node:crypto'
import type { Effect } from '../../patterns/agent/step.ts'

/** What an executor says of one execution of a step, and whose idempotency key it sent. Times on the machine's monotonic clock. */
export interface EffectBody extends Effect {
  readonly idempotencyKey: string
}

const texts = ['task', 'taskId', 'executor', 'idempotencyKey'] as const
const ordinals = ['step', 'attempt'] as const
const times = ['startedAt', 'endedAt'] as const

/**
 * The effect in a request's body, or why it is none: a sentence. A tool server that accepted anything would write a
 * record that cannot be read. Then the run would be called damaged where a system is wrong.
 */
export function readEffectBody(body: string, idempotencyKey: unknown, receivedAt: number): EffectBody | string {
  const said = parse(body)
  if (said === undefined) return 'it is no JSON object'
  const effect: Readonly<Record<string, unknown>> = { ...said, idempotencyKey }
  const missing = texts.find((name) => typeof effect[name] !== 'string' || effect[name] === '')
  if (missing !== undefined) return `its ${missing} is no text`
  const uncounted = ordinals.find((name) => !Number.isSafeInteger(effect[name]) || Number(effect[name]) < 1)
  if (uncounted !== undefined) return `its ${uncounted} is no whole number from 1`
  const timeless = times.find((name) => !Number.isFinite(effect[name]))
  if (timeless !== undefined) return `its ${timeless} is no number`
  const { task, taskId, step, attempt, executor, startedAt, endedAt } = effect as unknown as EffectBody
  if (endedAt < startedAt - resolutionMs) return 'it ended before it started'
  if (endedAt > receivedAt + resolutionMs) return 'it is not over yet'
  return { task, taskId, step, attempt, executor, startedAt, endedAt, idempotencyKey: String(idempotencyKey) }
}

function parse(body: string): object | undefined {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

/**
 * What the tool server answers for the effect of a job's step, for any executor and however often: RFC 2104's HMAC with
 * SHA-256 under a secret of the cell, cut to 96 bits. A node without the answer cannot know it.
 */
export function nonceFor(secret: string, job: string, step: number): string {
  return createHmac('sha256', secret).update(`${job}/${step}`).digest('hex').slice(0, 24)
}
