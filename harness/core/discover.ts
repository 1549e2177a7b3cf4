import { readdir } from 'node:fs/promises'
import { HarnessError } from './errors.ts'

/** Anything found by its file or folder name. */
export interface Named {
  readonly name: string
  readonly summary: string
}

/**
 * Import every plugin of a folder: `NAME.ts` files, or `NAME/<entry>` when `entry` is given. A folder `_NAME` is what plugins share.
 * Promises a map sorted by name whose keys equal file (or folder) names and plugin names.
 * Throws HarnessError for a file without a default export or with another name than its file's.
 */
export async function discover<T extends Named>(folder: URL, entry?: string): Promise<ReadonlyMap<string, T>> {
  const files = await readdir(folder, { withFileTypes: true })
  const names = files
    .filter((file) => (entry ? file.isDirectory() && !file.name.startsWith('_') : isModule(file.name)))
    .map((file) => file.name.replace(/\.[jt]s$/, ''))
    .sort()
  const plugins = await Promise.all(names.map((name) => load<T>(folder, name, entry)))
  return new Map(plugins.map((plugin) => [plugin.name, plugin]))
}

async function load<T extends Named>(folder: URL, name: string, entry?: string): Promise<T> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const path = entry ? `${name}/${entry}.${extension}` : `${name}.${extension}`
  const module = (await import(new URL(path, folder).href)) as { default?: T }
  if (!module.default) throw new HarnessError(`${path} has no default export`)
  if (module.default.name !== name)
    throw new HarnessError(`${path} calls itself "${module.default.name}"; a plugin has its file's name`)
  return module.default
}

function isModule(name: string): boolean {
  return /\.[jt]s$/.test(name) && !name.endsWith('.d.ts')
}
