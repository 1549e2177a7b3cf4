/** Like Promise.all, but waits for all of them also when one rejects: then nobody is at work any more. Rejects as the first of them. */
export async function settleAll<T>(promises: readonly Promise<T>[]): Promise<readonly T[]> {
  await Promise.allSettled(promises)
  return Promise.all(promises)
}
