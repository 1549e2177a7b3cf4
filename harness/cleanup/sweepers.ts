import { discover } from '../core/discover.ts'
import type { Runtime } from '../model/types.ts'

/** What finding and removing needs of a runtime. */
export type Sweeper = Pick<Runtime, 'name' | 'traces' | 'sweep'>

export function findRuntimes(): Promise<ReadonlyMap<string, Runtime>> {
  return discover<Runtime>(new URL('../runtimes/', import.meta.url))
}

/** Every runtime of ours: a run may have been left by another one than is used now. */
export async function findSweepers(): Promise<readonly Sweeper[]> {
  return [...(await findRuntimes()).values()]
}
