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
  const executable = Object.values(binaries()).map((path) => access(path, constants.X_OK))
  return Promise.all(executable).then(
    () => true,
    () => false,
  )
}

/** One per version, below the user's cache. */
export function temporalFolder(): string {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  return join(cache, 'outlast', `temporal-${temporalVersion}-${process.platform}-${process.arch}`)
}

function binaries(): TemporalBinaries {
  const suffix = process.platform === 'win32' ? '.exe' : ''
  return { server: join(temporalFolder(), `server${suffix}`), sql: join(temporalFolder(), `sql${suffix}`) }
}
