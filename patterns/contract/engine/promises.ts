import type { Promised } from '../types/promises.ts'

/** What an engine promises of the tasks that it has, also when a crash takes some of them away. */
export const soundTasks = [
  'effect-at-least-once',
  'no-phantom',
  'state-machine',
  'result-integrity',
  'stream-continuity',
  'callback-identity',
  'budget-holds',
  'context-continuity',
  'permission-holds',
] as const satisfies readonly Promised[]

/** Of an engine that resumes after the last completed step, at another worker when its own does not come back. */
export const durableTasks = [
  'no-lost-task',
  'effect-once',
  'idempotency',
  ...soundTasks,
  'cancel-holds',
  'steer-once',
] as const

/** Of an engine whose balances and token buckets outlive its processes. */
export const durableAccounts = ['balance-holds', 'rate-holds'] as const satisfies readonly Promised[]
