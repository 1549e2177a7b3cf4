import { copyFileSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { root, temporaryFolders } from '../support/outlast.ts'
import { spawnSync } from '../support/programs.ts'

/** A checkout of which the command does nothing but say so. */
function smallCheckout(folder: string): string {
  const home = join(folder, 'checkout')
  for (const part of ['bin', 'harness/cli']) mkdirSync(join(home, part), { recursive: true })
  copyFileSync(join(root, 'bin/outlast.js'), join(home, 'bin/outlast.js'))
  writeFileSync(join(home, 'package.json'), '{"type":"module"}')
  writeFileSync(join(home, 'harness/cli/main.ts'), `export const main = (): void => console.log('ran')\n`)
  return home
}

function start(home: string): string {
  const { NODE_COMPILE_CACHE: _, ...env } = process.env
  const args = ['-c', 'umask 000; exec "$0" bin/outlast.js', process.execPath]
  return String(spawnSync('sh', args, { cwd: home, env }).stdout)
}

it('keeps what it compiled beside the packages, where nobody else may write whatever the umask is', async () => {
  await using folders = await temporaryFolders()
  const home = smallCheckout(folders.tmp)
  expect(start(home)).toBe('ran\n')
  const kept = join(home, 'node_modules/.cache/outlast')
  expect((statSync(kept).mode & 0o777).toString(8)).toBe('700')
  expect(readdirSync(kept, { recursive: true }).length).toBeGreaterThan(1)
  expect(start(home)).toBe('ran\n')
})

it('runs where nothing can be kept', async () => {
  await using folders = await temporaryFolders()
  const home = smallCheckout(folders.tmp)
  writeFileSync(join(home, 'node_modules'), 'no folder')
  expect(start(home)).toBe('ran\n')
})
