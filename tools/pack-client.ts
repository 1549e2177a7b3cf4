/**
 * Packs `outlast/client` as a package of its own: one file of JavaScript, its types, one dependency. The tarball is in
 * the folder that is named, else in `dist`. With --build the folder gets only what is made; `npm pack` in
 * `packages/client` calls it so.
 *
 * usage: node tools/pack-client.ts [--build] [FOLDER]
 */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { rolldown } from 'rolldown'
import { runProgram } from '../harness/os/program.ts'

const checkout = join(import.meta.dirname, '..')
const { values, positionals } = parseArgs({ options: { build: { type: 'boolean' } }, allowPositionals: true })
const target = resolve(positionals[0] ?? join(checkout, 'dist'))
/** What the file has in it, beside our own code. */
const bundled = ['zod', 'eventsource-parser']

await (values.build ? build(target) : pack())

async function pack(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'outlast-pack-'))
  try {
    await build(folder)
    for (const file of ['package.json', 'README.md', 'client.d.ts'])
      copyFileSync(join(checkout, 'packages/client', file), join(folder, file))
    mkdirSync(target, { recursive: true })
    const args = ['pack', '--silent', '--ignore-scripts', '--pack-destination', target]
    const { stdout } = await runProgram('npm', args, { cwd: folder })
    console.log(join(target, stdout.trim()))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function build(folder: string): Promise<void> {
  await bundle(join(folder, 'client.js'))
  writeFileSync(join(folder, 'LICENSES.txt'), licences())
}

/** Syntax that Node 20 knows; undici stays a dependency, and so gets its own updates. */
async function bundle(file: string): Promise<void> {
  const input = join(checkout, 'patterns/client.ts')
  const made = await rolldown({ input, platform: 'node', external: ['undici'], transform: { target: 'node20' } })
  await made.write({ file, format: 'esm', comments: { legal: true, annotation: false } })
}

function licences(): string {
  const own = readFileSync(join(checkout, 'LICENSE'), 'utf8')
  const others = bundled.map((name) => {
    const text = readFileSync(join(checkout, 'node_modules', name, 'LICENSE'), 'utf8')
    return `client.js contains parts of ${name}:\n\n${text}`
  })
  return [own, ...others].join('\n----\n\n')
}
