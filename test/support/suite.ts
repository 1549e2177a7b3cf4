import { fileURLToPath } from 'node:url'
import { runLabel } from '../../harness/os/label.ts'
import { childrenOf } from '../../harness/os/proc.ts'
import { openRegistry } from '../../harness/registry.ts'
import { beginSupervised } from '../../harness/cleanup/supervise.ts'

/** Where nodes of a run keep what Node compiled: most of a start is that, and the suites start hundreds of processes. */
const compiled = fileURLToPath(new URL('../../node_modules/.cache/outlast', import.meta.url))

/**
 * Before all suites. What they start is ended when this process dies, and what is temporary is in a folder that goes
 * with it. Resolves with what is to be done after all of them.
 */
export default async function setup(): Promise<() => Promise<void>> {
  const suite = await beginSupervised([...(await openRegistry().runtimes()).values()])
  // What a test makes fail must not show as a failure of the CI job that the tests run in.
  const apart = { GITHUB_ACTIONS: '', GITHUB_STEP_SUMMARY: '' }
  // The workers inherit all of it.
  Object.assign(process.env, runLabel(), apart, { TMPDIR: suite.temp, NODE_COMPILE_CACHE: compiled })
  return async () => {
    const workers = childrenOf(process.pid)
    for (const left of await suite.end(workers)) console.error(`left behind by the tests: ${left}`)
  }
}
