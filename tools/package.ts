/**
 * The package that npm installs. `npm run build` makes its JavaScript, `npm run pack` also packs it.
 *
 * usage: node tools/package.ts build
 *        node tools/package.ts pack [FOLDER]   the tarball goes into FOLDER, else here
 */
import { mkdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { runProgram } from '../harness/os/program.ts'
import { bundleClient, copyClientTypes } from './client-bundle.ts'

const checkout = join(import.meta.dirname, '..')
const dist = join(checkout, 'dist')

/** Makes `dist` anew: no file of a former build is in it, which would be discovered as a plugin. */
export async function build(): Promise<void> {
  for (const part of ['client', 'harness', 'patterns', 'reports', 'servers'])
    rmSync(join(dist, part), { recursive: true, force: true })
  const compiler = join(checkout, 'node_modules/typescript/bin/tsc')
  await runProgram(process.execPath, [compiler, '-p', join(checkout, 'tsconfig.build.json')])
  // What runs in a browser has other globals, and so a program of its own.
  const browser = [
    join(checkout, 'harness/task-page/browser'),
    '--noEmit',
    'false',
    '--outDir',
    dist,
    '--rootDir',
    checkout,
  ]
  await runProgram(process.execPath, [compiler, '-p', ...browser])
  mkdirSync(join(dist, 'client'))
  await bundleClient(join(dist, 'client'), 'undici-7')
  copyClientTypes(join(dist, 'client'))
}

/** Paths below the checkout of all that the package has, of the build that is there. */
export async function packedFiles(): Promise<readonly string[]> {
  const listed = JSON.parse(await npmPack('--dry-run', '--json')) as readonly [{ files: readonly { path: string }[] }]
  return listed[0].files.map(({ path }) => path)
}

/** `.npmrc` lets npm run no script, so that `npm pack` alone would pack what an earlier build left. */
async function pack(folder: string): Promise<string> {
  await build()
  mkdirSync(folder, { recursive: true })
  return join(folder, (await npmPack('--silent', '--pack-destination', folder)).trim())
}

async function npmPack(...options: readonly string[]): Promise<string> {
  return (await runProgram('npm', ['pack', ...options], { cwd: checkout })).stdout
}

if (import.meta.main) {
  const [task, folder = '.'] = process.argv.slice(2)
  if (task === 'build') await build()
  else console.log(await pack(resolve(folder)))
}
