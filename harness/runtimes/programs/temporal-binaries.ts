import { access, constants } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { HarnessError } from '../../core/errors.ts'

/** The release that `npm run engines:install` builds. */
export const temporalVersion = '1.31.2'

export interface TemporalBinaries {
  readonly server: string
  /** Temporal's own tool for its tables: it carries the schema of its release. */
  readonly sql: string
}

/** The release of the command line whose dev server `npm run engines:install -- temporal-dev` builds; it holds server 1.29.1. */
export const devServerVersion = '1.5.1'

/** Why there is no dev server to start, or undefined. */
export async function whyNoDevServer(): Promise<string | undefined> {
  if (await isDevServerInstalled()) return undefined
  return `the dev server of the Temporal CLI ${devServerVersion} is not installed: npm run engines:install -- temporal-dev builds it (needs Go)`
}

/** Its path. Throws HarnessError with the command that installs it. */
export async function findDevServer(): Promise<string> {
  const missing = await whyNoDevServer()
  if (missing !== undefined) throw new HarnessError(missing)
  return devServer()
}

export async function isDevServerInstalled(): Promise<boolean> {
  return isExecutable(devServer())
}

function devServer(): string {
  return join(devServerFolder(), `temporal${suffix}`)
}

/** One per version, below the user's cache. */
export function devServerFolder(): string {
  return cacheFolder(`temporal-cli-${devServerVersion}`)
}

/** Why there is no server to start, or undefined. */
export async function whyNotInstalled(): Promise<string | undefined> {
  if (await isInstalled()) return undefined
  return `the Temporal server ${temporalVersion} is not installed: npm run engines:install builds it (needs Go)`
}

/** Throws HarnessError with the command that installs them. */
export async function findTemporal(): Promise<TemporalBinaries> {
  const missing = await whyNotInstalled()
  if (missing !== undefined) throw new HarnessError(missing)
  return binaries()
}

export async function isInstalled(): Promise<boolean> {
  return (await Promise.all(Object.values(binaries()).map(isExecutable))).every(Boolean)
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}

/** One per version, below the user's cache. */
export function temporalFolder(): string {
  return cacheFolder(`temporal-${temporalVersion}`)
}

function cacheFolder(name: string): string {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  return join(cache, 'outlast', `${name}-${process.platform}-${process.arch}`)
}

const suffix = process.platform === 'win32' ? '.exe' : ''

function binaries(): TemporalBinaries {
  return { server: join(temporalFolder(), `server${suffix}`), sql: join(temporalFolder(), `sql${suffix}`) }
}
