import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { HarnessError } from '../../../core/errors.ts'
import { run } from '../../../../servers/_kit/command.ts'
import { offlineCommand } from './commands.ts'

/** Run a command of Docker's to its end; its stdout. Throws HarnessError. */
export async function docker(...args: readonly string[]): Promise<string> {
  return run('docker', args, 'install Docker (Debian: apt-get install docker.io) and start its daemon')
}

/** Where apt lives; nothing that a user of another distribution could install. */
const needsApt = `${offlineCommand} needs Debian or Ubuntu`

let refreshed: Promise<string> | undefined

/** The packages that a Dockerfile names in `ARG PACKAGES`. */
export function packagesIn(dockerfile: string): readonly string[] {
  return /^ARG PACKAGES="([^"]*)"/m.exec(dockerfile)?.[1]?.split(' ') ?? []
}

/** Download packages and what they need beyond `base`: offline builds have no network, but apt here has a mirror. */
export async function downloadPackages(base: string, names: readonly string[], folder: string): Promise<void> {
  const status = `${folder}.status`
  await refreshLists()
  await mkdir(join(folder, 'partial'), { recursive: true })
  await writeFile(status, await docker('run', '--rm', '--network', 'none', base, 'cat', '/var/lib/dpkg/status'))
  const options = [
    `Dir::State::status=${status}`,
    `Dir::Cache::archives=${folder}`,
    'Dir::Cache::pkgcache=',
    'APT::Install-Recommends=false',
  ]
  const settings = options.flatMap((option) => ['-o', option])
  await run('apt-get', ['install', '--yes', '--download-only', ...settings, ...names], needsApt)
}

/** The mirror and the release from which apt on this machine takes the distribution's own packages. */
export async function packageSource(): Promise<{ mirror: string; suite: string }> {
  const { ID: id = '', VERSION_CODENAME: suite = '' } = parseEnv(await readFile('/etc/os-release', 'utf8'))
  // Other makers' repositories, updates and security fixes have another origin or another code name.
  await refreshLists()
  const format = '$(ORIGIN) $(CODENAME) $(COMPONENT) $(REPO_URI)'
  const targets = await run('apt-get', ['indextargets', '--format', format], needsApt)
  const own = targets.split('\n').find((line) => line.toLowerCase().startsWith(`${id} ${suite} main `))
  if (own === undefined) throw new HarnessError('apt knows no packages: run `apt-get update`')
  return { suite, mirror: own.split(' ').at(-1)! }
}

/** Once: what apt knows may be old, or nothing at all. A source that does not answer leaves what it knew of it. */
async function refreshLists(): Promise<void> {
  refreshed ??= run('apt-get', ['update', '--quiet'], needsApt)
  await refreshed.catch(() => {})
}
