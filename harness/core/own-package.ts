import { existsSync, readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'

/** Our own folder: the checkout, or the package as npm installed it. What was built is in `dist` below it. */
export const home = new URL(import.meta.url.endsWith('.ts') ? '../../' : '../../../', import.meta.url)

/** A checkout has npm's lockfile and scripts; a package is in somebody's project. */
export const isCheckout: boolean = existsSync(new URL('package-lock.json', home))

export type Versions = Readonly<Record<string, string>>

/** `package.json`, as far as we read it. */
export interface Manifest {
  readonly version: string
  readonly dependencies: Versions
  readonly devDependencies: Versions
  readonly optionalDependencies: Versions
  readonly peerDependencies: Versions
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional?: boolean }>>
}

export const manifest = JSON.parse(readFileSync(new URL('package.json', home), 'utf8')) as Manifest

/** The one version of a package with which we are tested; undefined for a package that we do not name. */
export function testedVersion(name: string): string | undefined {
  const { devDependencies, dependencies, optionalDependencies } = manifest
  return { ...devDependencies, ...dependencies, ...optionalDependencies }[name]
}

/** The version of a package that we would load, wherever npm put it; undefined where it installed none. */
export function installedVersion(name: string): string | undefined {
  const file = attempt(() => findPackageJSON(name, import.meta.url))
  return file === undefined ? undefined : (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}

/** Node throws for a package that is nowhere. */
function attempt<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch {
    return undefined
  }
}
