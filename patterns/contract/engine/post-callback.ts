import type { CallbackAttempt } from '../types/callback.ts'

/**
 * Posts the callback of an ended task until an attempt is the last one. `attempt` records what it did before it resolves;
 * `wait` sleeps until the next one. Engines that replay make both durable. Safe in the sandbox of Temporal's workflows.
 */
export async function postCallback(
  attempt: (earlier: readonly CallbackAttempt[]) => Promise<CallbackAttempt>,
  wait: (delayMs: number) => PromiseLike<void>,
): Promise<void> {
  const earlier: CallbackAttempt[] = []
  for (;;) {
    const made = await attempt(earlier)
    if (made.decision.next !== 'retry') return
    earlier.push(made)
    await wait(made.decision.delay_ms)
  }
}
