import { describeError } from './errors.ts'
import type { Effective } from './link.ts'

/** Something that was taken and can be given back. Giving it back twice is safe. */
export interface Held {
  heal(): Promise<void>
}

/**
 * Acquire all items at the same time, or none: when one fails, or `signal` aborts meanwhile, what was acquired is
 * healed before the failure is thrown. `check` runs after each acquisition and throws to refuse what it got.
 */
export async function acquireAll<T, H extends Held>(
  items: readonly T[],
  acquire: (item: T) => Promise<H>,
  check: (held: H) => Promise<void> | void,
  signal: AbortSignal,
): Promise<readonly H[]> {
  signal.throwIfAborted()
  const held: H[] = []
  const settled = await Promise.allSettled(
    items.map(async (item) => {
      const one = await acquire(item)
      held.push(one)
      await check(one)
      return one
    }),
  )
  try {
    const failed = settled.find((one) => one.status === 'rejected')
    if (failed) throw failed.reason
    signal.throwIfAborted()
    return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  } catch (error) {
    return undo(() => healAll(held), error)
  }
}

/** When the first of several took effect; undefined when one of them cannot tell. */
export function sinceOf(effects: readonly Effective[]): { readonly sinceMs?: number } {
  const times = effects.map(({ sinceMs }) => sinceMs).filter((ms) => ms !== undefined)
  return times.length === effects.length && times.length > 0 ? { sinceMs: Math.min(...times) } : {}
}

/** Give back what a failure left half done, then throw that failure, with the leak beside it when there is one. */
export async function undo(heal: () => Promise<void>, error: unknown): Promise<never> {
  await heal().catch((leak: unknown) => {
    throw new Error(`${describeError(error)}; and it could not be undone: ${describeError(leak)}`, { cause: error })
  })
  throw error
}

/** Heal all at the same time, whatever fails meanwhile; then throws one error that names every failure. */
export async function healAll(held: readonly Held[]): Promise<void> {
  const settled = await Promise.allSettled(held.map((one) => one.heal()))
  const failures = settled.flatMap((one) => (one.status === 'rejected' ? [describeError(one.reason)] : []))
  if (failures.length > 0) throw new Error(failures.join('; '))
}
