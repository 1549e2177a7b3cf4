import { join } from 'node:path'
import { HarnessError } from '../../harness/core/errors.ts'
import { baseScript } from '../../harness/runtimes/docker/images/recipes.ts'
import { run } from '../../servers/_kit/command.ts'
import { docker } from './docker.ts'
import { packageSource } from './packages.ts'

/** Build the base where no registry answers, of the distribution that this machine runs. */
export async function buildBase(reference: string, scratch: string): Promise<void> {
  if (process.getuid?.() !== 0) throw new HarnessError('debootstrap needs root: run `npm run images:offline` as root')
  const { mirror, suite } = await packageSource()
  const root = join(scratch, 'base')
  await run('sh', [baseScript, root, suite, mirror], 'a POSIX shell is needed')
  await run('tar', ['--create', '--numeric-owner', '--file', `${root}.tar`, '--directory', root, '.'], 'install tar')
  await docker('import', `${root}.tar`, reference)
}
