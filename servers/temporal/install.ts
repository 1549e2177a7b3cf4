import { buildPrograms } from '../_kit/go.ts'
import type { Installation } from '../_kit/install.ts'
import { isInstalled, temporalFolder, temporalVersion } from './binaries.ts'

export function temporalFromSource(): Installation {
  const module = 'go.temporal.io/server'
  const packages = [`${module}/cmd/server`, `${module}/cmd/tools/sql`].map((name) => `${name}@v${temporalVersion}`)
  const title = `Temporal ${temporalVersion}`
  return { title, folder: temporalFolder(), isThere: isInstalled, fill: (folder) => buildPrograms(packages, folder) }
}
