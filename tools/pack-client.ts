/**
 * Packs `outlast/client` as a package of its own: one file of JavaScript, its types, one dependency. The tarball is in
 * the folder that is named, else in `dist`. With --build the folder gets only what is made; `npm pack` in
 * `packages/client` calls it so.
 *
 * usage: node tools/pack-client.ts [--build] [FOLDER]
 */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { runProgram } from '../harness/os/program.ts'
import { bundleClient, copyClientTypes } from './client-bundle.ts'

const checkout = join(import.meta.dirname, '..')
const { values, positionals } = parseArgs({ options: { build: { type: 'boolean' } }, allowPositionals: true })
const target = resolve(positionals[0] ?? join(checkout, 'dist'))

await (values.build ? bundleClient(target, 'undici') : pack())

async function pack(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'outlast-pack-'))
  try {
    await bundleClient(folder, 'undici')
    copyClientTypes(folder)
    for (const file of ['package.json', 'README.md'])
      copyFileSync(join(checkout, 'packages/client', file), join(folder, file))
    mkdirSync(target, { recursive: true })
    const args = ['pack', '--silent', '--ignore-scripts', '--pack-destination', target]
    const { stdout } = await runProgram('npm', args, { cwd: folder })
    console.log(join(target, stdout.trim()))
  } finally {
    rmSync(folder, { recursive: true })
  }
}
