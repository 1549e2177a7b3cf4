import { describeError } from '../../core/errors.ts'
import type { Onset } from '../../model/link.ts'

/** Something that was taken and can be given back. Giving it back twice is safe. */
export interface Injection {
  heal(): Promise<void>
}

/** An item that was not acquired, or that did not pass its check and was given back at once. */
export interface Undone {
  /** Of the node or link. */
  readonly name: string
  readonly reason: string
}

export interface Acquired<H> {
  readonly held: readonly H[]
  readonly undone: readonly Undone[]
  /** Give back all that was acquired, what did not pass its check included. */
  heal(): Promise<void>
}

/**
 * Acquire all items at the same time, as many as can be had. `check` runs after each acquisition and throws to refuse what
 * it got, which is healed at once. When none could be had, or `signal` aborts meanwhile, everything is healed before the
 * first failure is thrown.
 */
export async function acquireEach<T extends { readonly name: string }, H extends Injection>(
  items: readonly T[],
  acquire: (item: T) => Promise<H>,
  check: (held: H) => Promise<void> | void,
  signal: AbortSignal,
): Promise<Acquired<H>> {
  signal.throwIfAborted()
  const all: H[] = []
  const held: H[] = []
  const settled = await Promise.allSettled(
    items.map(async (item) => {
      const one = await acquire(item)
      all.push(one)
      await check(one)
      held.push(one)
    }),
  )
  const heal = (): Promise<void> => healAll(all)
  try {
    signal.throwIfAborted()
    const failed = settled.find((one) => one.status === 'rejected')
    if (failed && held.length === 0) throw failed.reason
  } catch (error) {
    return rollBack(heal, error)
  }
  // What cannot be given back now is reported at the end of the window, as leaked.
  await Promise.allSettled(all.filter((one) => !held.includes(one)).map((one) => one.heal()))
  const undone = settled.flatMap((one, i) =>
    one.status === 'rejected' ? [{ name: items[i]!.name, reason: describeError(one.reason) }] : [],
  )
  return { held, undone, heal }
}

/** When the first of several took effect; undefined when one of them cannot tell. */
export function sinceOf(effects: readonly Onset[]): { readonly sinceMs?: number } {
  const times = effects.map(({ sinceMs }) => sinceMs).filter((ms) => ms !== undefined)
  return times.length === effects.length && times.length > 0 ? { sinceMs: Math.min(...times) } : {}
}

/** Give back what a failure left half done, then throw that failure, with the leak beside it when there is one. */
export async function rollBack(heal: () => Promise<void>, error: unknown): Promise<never> {
  await heal().catch((leak: unknown) => {
    throw new Error(`${describeError(error)}; and it could not be undone: ${describeError(leak)}`, { cause: error })
  })
  throw error
}

/** Heal all at the same time, whatever fails meanwhile; then throws one error that names every failure. */
export async function healAll(held: readonly Injection[]): Promise<void> {
  const settled = await Promise.allSettled(held.map((one) => one.heal()))
  const failures = settled.flatMap((one) => (one.status === 'rejected' ? [describeError(one.reason)] : []))
  if (failures.length > 0) throw new Error(failures.join('; '))
}
