import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rolldown } from 'rolldown'

const checkout = join(import.meta.dirname, '..')
/** What the file has in it, beside our own code. */
const bundled = ['zod', 'eventsource-parser']

/**
 * Makes `outlast/client` in a folder that is there: one file for Node 20 and newer, its types, and the licences of what is in it.
 * `undici`: the name under which its package finds undici 7, the last one for Node 20.
 */
export async function bundleClient(folder: string, undici: string): Promise<void> {
  const input = join(checkout, 'patterns/client.ts')
  const made = await rolldown({ input, platform: 'node', external: ['undici'], transform: { target: 'node20' } })
  const comments = { legal: true, annotation: false }
  await made.write({ file: join(folder, 'client.js'), format: 'esm', comments, paths: { undici } })
  writeFileSync(join(folder, 'LICENSES.txt'), licences())
}

export function copyClientTypes(folder: string): void {
  copyFileSync(join(checkout, 'packages/client/client.d.ts'), join(folder, 'client.d.ts'))
}

function licences(): string {
  const own = readFileSync(join(checkout, 'LICENSE'), 'utf8')
  const others = bundled.map((name) => {
    const text = readFileSync(join(checkout, 'node_modules', name, 'LICENSE'), 'utf8')
    return `client.js contains parts of ${name}:\n\n${text}`
  })
  return [own, ...others].join('\n----\n\n')
}
