import { describeError } from './errors.ts'

/** Something that was taken and can be given back. Giving it back twice is safe. */
export interface Held {
  heal(): Promise<void>
}

/**
 * Acquire every item in turn, or none: when one fails, or `signal` aborts meanwhile, what was already acquired is
 * healed before the failure is thrown. `check` runs after each acquisition and throws to refuse what it got.
 */
export async function acquireAll<T, H extends Held>(
  items: readonly T[],
  acquire: (item: T) => Promise<H>,
  check: (held: H) => Promise<void> | void,
  signal: AbortSignal,
): Promise<readonly H[]> {
  const held: H[] = []
  try {
    for (const item of items) {
      signal.throwIfAborted()
      const one = await acquire(item)
      held.push(one)
      await check(one)
    }
    signal.throwIfAborted()
    return held
  } catch (error) {
    await healAll(held).catch((leak: unknown) => {
      throw new Error(`${describeError(error)}; and it could not be undone: ${describeError(leak)}`, { cause: error })
    })
    throw error
  }
}

/** Heal all, the last acquired first, whatever fails on the way; then throws one error that names every failure. */
export async function healAll(held: readonly Held[]): Promise<void> {
  const failures: string[] = []
  for (const one of held.toReversed()) await one.heal().catch((error: unknown) => failures.push(describeError(error)))
  if (failures.length > 0) throw new Error(failures.join('; '))
}
