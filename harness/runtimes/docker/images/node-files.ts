import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { HarnessError } from '../../../core/errors.ts'

/** The checkout: images are built from what lies in it, in `patterns/` and `node_modules/`. */
export const checkout = join(import.meta.dirname, '../../../..')

interface Manifest {
  readonly version: string
  readonly dependencies?: Readonly<Record<string, string>>
}

/**
 * Paths in the checkout of all that a node runs: code, and nothing that only a reader needs. Without the Temporal engines,
 * whose server has no image yet: its SDK would add 200 MB to every node.
 */
export function nodeFiles(): readonly string[] {
  const exclude = ['patterns/engines/temporal*/**']
  return globSync('patterns/**/*.ts', { cwd: checkout, exclude }).sort()
}

/** Where in the checkout such a file's text comes from. No image has what the crash suite arms. */
export function sourceOf(nodeFile: string): string {
  return nodeFile === 'patterns/contract/fault-point.ts' ? 'images/fault-point.ts' : nodeFile
}

/** Folders in the checkout of the packages that `files` import, and of those that these need. */
export function packagesOf(files: readonly string[]): readonly string[] {
  const found = new Set<string>()
  const visit = (name: string, from: string): void => {
    const folder = installed(name, from)
    if (found.has(folder)) return
    found.add(folder)
    for (const needed of Object.keys(manifest(folder).dependencies ?? {})) visit(needed, folder)
  }
  for (const file of files)
    for (const name of importedPackages(readFileSync(join(checkout, file), 'utf8'))) visit(name, '.')
  return [...found].sort()
}

/** Names of the packages that a module imports. */
export function importedPackages(source: string): readonly string[] {
  const specifiers = [...source.matchAll(/\b(?:from\s*|import[\s(]*)'([^']+)'/g)].map((match) => match[1]!)
  const bare = specifiers.filter((specifier) => !/^(\.|node:)/.test(specifier))
  return [...new Set(bare.map((specifier) => /^(@[^/]+\/)?[^/]+/.exec(specifier)![0]))]
}

export function packageVersion(folder: string): string {
  return manifest(folder).version
}

function manifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(checkout, folder, 'package.json'), 'utf8')) as Manifest
}

/** As Node looks a package up: in the nearest `node_modules` above. */
function installed(name: string, from: string): string {
  const folder = join(from, 'node_modules', name)
  if (existsSync(join(checkout, folder, 'package.json'))) return folder
  if (from === '.') throw new HarnessError(`the package ${name} is not installed; run \`npm ci\``)
  return installed(name, dirname(from))
}
