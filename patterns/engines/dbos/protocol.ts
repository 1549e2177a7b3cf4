import type { DBOSSerializer, DLogger } from '@dbos-inc/dbos-sdk'
import type { TaskEvent } from '../../contract/types/events.ts'
import { monotonicMs } from '../../contract/types/timer.ts'
import { logFailure } from '../../contract/engine/log-error.ts'

/** Input of a task's workflow: made by the API, so that it can answer before any worker has seen the task. */
export interface Accepted {
  readonly created: TaskEvent
  readonly fingerprint: string
}

/** Recorded result of a step: what it adds to the task's log, and which run of the workflow made it. */
export interface Advance {
  readonly run: string
  readonly events: readonly TaskEvent[]
}

/** The version is pinned: as shipped it is a hash of the code, and another one would recover nothing of ours. */
export const application = { name: 'outlast', version: '1' } as const
export const queueName = 'outlast'
export const workflows = { task: 'task', cancellation: 'cancellation', callback: 'callback' } as const

/** Each of the two happens once per task, however many nodes ask for it. */
export function cancellationOf(taskId: string): string {
  return `${taskId}/cancellation`
}
export function callbackOf(taskId: string): string {
  return `${taskId}/callback`
}

/** Plain JSON, which is all that we record: SQL and people can read it. */
export const serializer: DBOSSerializer = {
  name: () => 'json',
  stringify: (value) => JSON.stringify(value ?? null),
  parse: (text) => (typeof text === 'string' ? JSON.parse(text) : null) as unknown,
}

/** The library narrates every retry of its own, ten times a second; our log says what went wrong, at most once a second. */
export function failuresOnly(node: string): DLogger {
  const report = (entry: unknown): void => logFailure(node, 'dbos', entry)
  let quietUntil = -Infinity
  const warn = (entry: unknown): void => {
    if (monotonicMs() < quietUntil) return
    quietUntil = monotonicMs() + 1000
    report(entry)
  }
  return { info: () => {}, debug: () => {}, warn, error: report }
}
