import { createHash } from 'node:crypto'
import type { Plan } from '../model/plan.ts'
import type { Environment } from '../model/results.ts'

/** A task's trace, and its span in it that all others hang below: lowercase hexadecimal, as W3C Trace Context has them. */
export interface TraceIds {
  readonly traceId: string
  readonly spanId: string
}

/** The ids of a task, by its cell and its key. */
export type TraceIdsOf = (cell: string, task: string) => TraceIds

/**
 * The ids of a run's tasks, derived from what the run's folder keeps: who sends the traces later finds those that the client
 * sent with its requests. The start is part of them, so that two runs of one seed are not one trace.
 */
export function traceIdsOf(
  { scenario, seed }: Pick<Plan, 'scenario' | 'seed'>,
  { startedAt }: Pick<Environment, 'startedAt'>,
): TraceIdsOf {
  return (cell, task) => {
    const digest = digestOf(JSON.stringify([startedAt, scenario, seed, cell, task]))
    return { traceId: digest.slice(0, 32), spanId: digest.slice(32, 48) }
  }
}

/** The id of another span of the trace; `name` is its own within it. */
export function spanIdIn({ traceId }: TraceIds, name: string): string {
  return digestOf(`${traceId}/${name}`).slice(0, 16)
}

/** As the header says it: version 00, and recorded (W3C Trace Context, 3.2). */
export function traceparentOf({ traceId, spanId }: TraceIds): string {
  return `00-${traceId}-${spanId}-01`
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
