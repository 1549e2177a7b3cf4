import { stat } from 'node:fs/promises'
import { home } from '../core/own-package.ts'
import { runProgram } from '../os/program.ts'
import type { Checkout } from '../store/environment.ts'

/** What git says of our own checkout. Installed as a package, it would find the repository around us and name its commit as ours. */
export async function readCheckout(): Promise<Checkout> {
  if (!(await stat(new URL('.git', home)).catch(() => undefined))) return {}
  const [commit, changes] = await Promise.all([git('rev-parse', 'HEAD'), git('status', '--porcelain')])
  return { ...(commit !== undefined && { commit }), ...(changes !== undefined && { changes }) }
}

/** Undefined where there is no git, or none that answers. */
async function git(...args: readonly string[]): Promise<string | undefined> {
  return runProgram('git', args, { cwd: home, timeoutMs: 5_000 }).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  )
}
