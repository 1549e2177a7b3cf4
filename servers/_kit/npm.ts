import { readFileSync } from 'node:fs'
import { createRequire, findPackageJSON } from 'node:module'
import { join } from 'node:path'

/** Those of these packages that npm did not install, each once. */
export function missingPackages(names: readonly string[]): readonly string[] {
  return [...new Set(names)].filter((name) => !isInstalled(name))
}

function isInstalled(name: string): boolean {
  try {
    return findPackageJSON(name, import.meta.url) !== undefined
  } catch {
    return false
  }
}

/** The exact version of a package of this checkout. Throws where npm did not install it. */
export function packageVersion(name: string): string {
  const file = join(import.meta.dirname, '../../node_modules', name, 'package.json')
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}

/** A file of a package that another package brings for this platform. Throws where npm installed none. */
export function resolveBeside(entry: string, file: string): string {
  return createRequire(createRequire(import.meta.url).resolve(entry)).resolve(file)
}
