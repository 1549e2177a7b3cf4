import { runLabel } from '../../harness/os/label.ts'
import { childrenOf } from '../../harness/os/proc.ts'
import { openRegistry } from '../../harness/registry.ts'
import { beginSupervised } from '../../harness/cleanup/supervise.ts'

/**
 * Before all suites: what they start, however it is started, is ended when this process dies, and what is temporary is in a
 * folder that goes with it. Resolves with what is to be done after all of them.
 */
export default async function setup(): Promise<() => Promise<void>> {
  const suite = await beginSupervised([...(await openRegistry().runtimes()).values()])
  // The workers inherit both.
  Object.assign(process.env, runLabel(), { TMPDIR: suite.temp })
  return async () => {
    const workers = childrenOf(process.pid)
    for (const left of await suite.end(workers)) console.error(`left behind by the tests: ${left}`)
  }
}
