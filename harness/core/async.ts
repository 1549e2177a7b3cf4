/** Returns true on the first call, because the caller has just verified. Later calls run `verify`. */
export function memoizeFirst(verify: () => Promise<boolean>): () => Promise<boolean> {
  let asked = false
  return async () => {
    if (asked) return verify()
    return (asked = true)
  }
}

/** Run it at most once; later calls wait for the first. */
export function onlyOnce<Args extends unknown[]>(
  act: (...args: Args) => Promise<void>,
): (...args: Args) => Promise<void> {
  let running: Promise<void> | undefined
  return (...args) => (running ??= act(...args))
}

/** Like Promise.all, but waits for all of them also when one rejects: then nobody is at work any more. Rejects as the first of them. */
export async function settleAll<T>(promises: readonly Promise<T>[]): Promise<readonly T[]> {
  await Promise.allSettled(promises)
  return Promise.all(promises)
}
