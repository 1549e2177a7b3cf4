import { discover } from '../core/discover.ts'
import type { Checker } from '../model/types.ts'

/** Every checker of `harness/checkers/`, by name. */
export async function loadCheckers(): Promise<readonly Checker[]> {
  const found = await discover<Checker>(new URL('../checkers/', import.meta.url))
  return [...found.values()]
}
