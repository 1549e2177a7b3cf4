import { readFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What the browser begins with. */
const main = 'browser/main'
/** In a checkout these are TypeScript, in a package what was made of it. */
const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
/** All paths are below it, so that an import leads where it leads in the files. */
const root = fileURLToPath(new URL('../..', import.meta.url))

/** Paths of what the page imports, with the first one that it asks for. */
export interface Modules {
  readonly main: string
  readonly sources: ReadonlyMap<string, string>
}

/** The page's scripts: its first one and all that this imports, and no other file. */
export async function readModules(): Promise<Modules> {
  const sources = new Map<string, string>()
  const read = async (url: URL): Promise<void> => {
    const path = pathOf(url)
    if (sources.has(path)) return
    const source = withoutTypes(await readFile(url, 'utf8'))
    sources.set(path, source)
    for (const [, imported] of source.matchAll(/from '(\.[^']+)'/g)) await read(new URL(imported!, url))
  }
  const first = new URL(`${main}${extension}`, import.meta.url)
  await read(first)
  return { main: pathOf(first), sources }
}

function pathOf(url: URL): string {
  return `modules/${relative(root, fileURLToPath(url)).replaceAll('\\', '/')}`
}

/** Node warns once that this function may still change, which is no news to who runs a command. */
function withoutTypes(source: string): string {
  if (extension === '.js') return source
  const { emitWarning } = process
  process.emitWarning = () => {}
  try {
    return stripTypeScriptTypes(source)
  } finally {
    process.emitWarning = emitWarning
  }
}
