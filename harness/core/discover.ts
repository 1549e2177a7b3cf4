import { readdir } from 'node:fs/promises'
import { HarnessError } from './errors.ts'

/** Anything found by its file or folder name. */
export interface Named {
  readonly name: string
  readonly summary: string
}

/**
 * Import every plugin of a folder: `NAME.ts` files, or `NAME/<entry>` when `entry` is given. A folder `_NAME` is what plugins share.
 * `only`: those of these names alone.
 * Promises a map sorted by name. A key is the name of a file or folder, which is the plugin's, or that of a variant.
 * Throws HarnessError for a file without a default export or with another name than its file's.
 */
export async function discover<T extends Named>(
  folder: URL,
  entry?: string,
  only?: readonly string[],
): Promise<ReadonlyMap<string, T>> {
  const files = await readdir(folder, { withFileTypes: true })
  const names = files
    .filter((file) => (entry ? file.isDirectory() && !file.name.startsWith('_') : isModule(file.name)))
    .map((file) => file.name.replace(/\.[jt]s$/, ''))
    .filter((name) => only?.includes(name) ?? true)
    .sort()
  const plugins = await Promise.all(names.map((name) => load<T>(folder, name, entry)))
  const all = plugins.flatMap((plugin) => [plugin, ...variantsOf(plugin)])
  return new Map(all.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map((plugin) => [plugin.name, plugin]))
}

/** What a plugin declares beside itself. Its modules are found by the name, so that begins with the plugin's. */
function variantsOf<T extends Named>(plugin: T): readonly T[] {
  const { name, variants = [] }: { readonly name: string; readonly variants?: readonly T[] } = plugin
  const odd = variants.find((variant) => !variant.name.startsWith(`${name}-`))
  if (odd) throw new HarnessError(`${name} has a variant "${odd.name}"; its name must begin with "${name}-"`)
  return variants
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
