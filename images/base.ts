import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { HarnessError } from '../harness/core/errors.ts'
import { docker, run } from '../servers/_kit/command.ts'
import { packageSource } from '../tools/images/packages.ts'

/** Nothing here runs or is read by a program. */
const unneeded = ['usr/share/{doc,man,locale,info}', 'var/cache/apt/archives/*.deb', 'var/lib/apt/lists/*']

/** Build the base where no registry answers: the smallest system of the distribution that this machine runs. */
export async function buildBase(reference: string, scratch: string): Promise<void> {
  if (process.getuid?.() !== 0) throw new HarnessError('debootstrap needs root: run `npm run images:offline` as root')
  const { mirror, suite } = await packageSource()
  const root = join(scratch, 'base')
  await run('debootstrap', ['--variant=minbase', suite, root, mirror], 'apt-get install debootstrap')
  await run('bash', ['-c', `rm -rf ${unneeded.map((path) => `"$0"/${path}`).join(' ')}`, root], 'install bash')
  // Else packages that are installed into an image start their services there. Debian's own images have the same.
  await writeFile(join(root, 'usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  // The addresses of this machine's mirror and name server are no part of an image.
  await writeFile(join(root, 'etc/apt/sources.list'), '')
  await writeFile(join(root, 'etc/resolv.conf'), '')
  await rm(join(root, 'etc/hostname'), { force: true })
  await importTree(root, `${root}.tar`, reference)
}

async function importTree(root: string, archive: string, reference: string): Promise<void> {
  await run('tar', ['--create', '--numeric-owner', '--file', archive, '--directory', root, '.'], 'install tar')
  await docker('import', archive, reference)
}
