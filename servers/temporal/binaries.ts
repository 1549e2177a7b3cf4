import { join } from 'node:path'
import { describeError, HarnessError } from '../../harness/core/errors.ts'
import { areExecutable, cacheFolder, commandFor, type Installation, buildPrograms } from '../_kit/install.ts'

/** The release that `outlast install` builds. */
export const temporalVersion = '1.31.2'

export interface TemporalBinaries {
  readonly server: string
  /** Temporal's own tool for its tables: it carries the schema of its release. */
  readonly sql: string
}

/** Why there is no server to start, or undefined. */
export async function whyNotInstalled(): Promise<string | undefined> {
  // What others could have written is there, and is not run.
  const isThere = await isInstalled().catch(describeError)
  if (typeof isThere === 'string') return isThere
  if (isThere) return undefined
  return `the Temporal server ${temporalVersion} is not installed: ${commandFor('temporal')} builds it (needs Go)`
}

/** Throws HarnessError with the command that installs them. */
export async function findTemporal(): Promise<TemporalBinaries> {
  const missing = await whyNotInstalled()
  if (missing !== undefined) throw new HarnessError(missing)
  return binaries()
}

export async function isInstalled(): Promise<boolean> {
  return areExecutable(Object.values(binaries()))
}

/** One per version, below the user's cache. */
export function temporalFolder(): string {
  return cacheFolder(`temporal-${temporalVersion}`)
}

const suffix = process.platform === 'win32' ? '.exe' : ''

function binaries(): TemporalBinaries {
  return { server: join(temporalFolder(), `server${suffix}`), sql: join(temporalFolder(), `sql${suffix}`) }
}

export function temporalFromSource(): Installation {
  const module = 'go.temporal.io/server'
  const packages = [`${module}/cmd/server`, `${module}/cmd/tools/sql`].map((name) => `${name}@v${temporalVersion}`)
  const title = `Temporal ${temporalVersion}`
  return { title, folder: temporalFolder(), isThere: isInstalled, fill: (folder) => buildPrograms(packages, folder) }
}
