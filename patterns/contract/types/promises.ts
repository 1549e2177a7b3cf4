/**
 * What a pattern can promise its users. A delivery and an engine each list the promises that they keep when the other axis
 * is perfect. A pattern promises what **both** promise. A broken promise is a FAIL; a loss that nothing promised against is
 * a measurement.
 */
export const promises = {
  'no-lost-task': 'a task that was accepted reaches a terminal state that its client sees, once faults are healed',
  'effect-once': 'a completed step is never executed again; only the step in flight at a crash may repeat',
  'effect-at-least-once': 'a result has all its work behind it: every step of it had its effect',
  idempotency: 'one idempotency key is one task, whatever was lost or repeated on the way',
  'no-phantom': 'no result, event or callback for a task that nobody submitted',
  'state-machine': 'only legal transitions, never backwards, and exactly one terminal state',
  'result-integrity': 'a result that a client accepts, or that is kept for it, is the right one',
  'stream-continuity': 'a resumed stream has no gap and no repetition',
  'callback-identity': 'a callback that is sent again is the same message: the same id and the same bytes',
  'cancel-holds':
    'after a cancellation is acknowledged no new step begins, of the task or of its sub-tasks, and each has one end',
  'spawn-once': 'a step starts each of its sub-tasks once, however often it is repeated',
  'budget-holds': 'no step begins that the budget of its task does not cover',
  'steer-once': 'a command that was acknowledged is answered once, in its order',
  'context-continuity': 'the patches of a memory add up to it, version by version',
  'permission-holds': 'no task uses a tool that its principal may not, and no forged token does anything',
  'balance-holds':
    'the tasks of a principal spend no more than its balance has, and are refused only where too little is left',
  'rate-holds': 'tools are called no more often than the rates of task and principal allow',
} as const
export type Promised = keyof typeof promises

/** What every delivery of the task API promises of control: commands are resources of it. */
export const controls = [
  'cancel-holds',
  'spawn-once',
  'budget-holds',
  'steer-once',
  'context-continuity',
  'permission-holds',
  'balance-holds',
  'rate-holds',
] as const satisfies readonly Promised[]

/** What every delivery promises of the results that it brings. */
export const soundResults = [
  'effect-once',
  'idempotency',
  'effect-at-least-once',
  'no-phantom',
  'state-machine',
  'result-integrity',
  ...controls,
] as const satisfies readonly Promised[]

/** The same of a delivery whose client goes on until it knows. */
export const sureResults = ['no-lost-task', ...soundResults] as const

/** What a pattern promises: it can promise no more than both of its axes do. In the delivery's order. */
export function keptByBoth(delivery: Promising, engine: Promising): readonly Promised[] {
  return delivery.promises.filter((promise) => engine.promises.includes(promise))
}
interface Promising {
  readonly promises: readonly Promised[]
}
