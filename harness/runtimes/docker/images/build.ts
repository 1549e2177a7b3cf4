import { cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeError, HarnessError } from '../../../core/errors.ts'
import { letAllRead } from '../../../../servers/_kit/install.ts'
import {
  type Bases,
  baseReference,
  readBases,
  readRecipes,
  type Recipe,
  recipeFiles,
  referenceTo,
  type Source,
  baseScript,
} from './recipes.ts'
import { imageId, resolveImages } from './resolve.ts'
import { offlineCommand } from './commands.ts'
import { say, run } from '../../../../servers/_kit/command.ts'
import { docker, downloadPackages, packagesIn, packageSource } from './debian-packages.ts'

/** One run of the command: where images come from, and a folder for what is made on the way. */
interface Build {
  readonly source: Source
  readonly recipes: readonly Recipe[]
  readonly bases: Bases
  /** What those of ours are built on. */
  readonly base: string
  readonly scratch: string
}

/**
 * Make every image that is missing, and say what runs use. From a registry: pull the official ones, build ours on an official base.
 * Offline: build all of them, which needs root, debootstrap and Go. An image that is there already costs one look. One of a
 * server that cannot be made costs the engines on it, in containers. `more`: images that no run starts. Resolves with whether all are
 * there that are required.
 */
export async function provideImages(source: Source, more: readonly Recipe[] = []): Promise<boolean> {
  // What is made for an image keeps its mode there.
  process.umask(0o022)
  const [recipes, bases] = [[...readRecipes(), ...more], readBases()]
  const scratch = await mkdtemp(join(tmpdir(), 'outlast-images-'))
  try {
    const build = { source, recipes, bases, base: baseReference(bases, source), scratch }
    const { failed, problems } = await provideAll(build)
    const isComplete = !failed.some(({ isRequired }) => isRequired)
    for (const problem of problems) say(problem)
    if (isComplete) await tellWhatRunsUse(failed)
    else if (source === 'registry') say(`where no registry answers: ${offlineCommand.replaceAll('`', '')}`)
    return isComplete
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/** Which are missing, and what went wrong, each thing once: a missing tool costs only the images that need it. */
async function provideAll(
  build: Build,
): Promise<{ readonly failed: readonly Recipe[]; readonly problems: readonly string[] }> {
  const { recipes, source, base, scratch } = build
  const daemon = await docker('version').then(() => undefined, describeError)
  if (daemon !== undefined) return { failed: recipes, problems: [daemon] }
  const makeBase = async (): Promise<void> => (source === 'registry' ? pull(base) : buildBase(base, scratch))
  const baseReady = once(() => provide('base', base, makeBase))
  const outcomes = await Promise.all(
    recipes.map((recipe) => provideImage(build, recipe, baseReady).then(() => [], problemOf)),
  )
  return { failed: recipes.filter((_, i) => outcomes[i]!.length > 0), problems: [...new Set(outcomes.flat())] }
}

async function provideImage(build: Build, recipe: Recipe, baseReady: () => Promise<void>): Promise<void> {
  const reference = referenceTo(recipe, build.bases, build.source)
  await provide(recipe.name, reference, () => make(build, recipe, reference, baseReady))
}

async function provide(name: string, reference: string, make: () => Promise<void>): Promise<void> {
  const started = performance.now()
  if (await imageId(reference)) return
  await make()
  say(`${name}: ready after ${((performance.now() - started) / 1000).toFixed(1)} s`)
}

async function make(build: Build, recipe: Recipe, reference: string, baseReady: () => Promise<void>): Promise<void> {
  const { source, base, scratch } = build
  if (reference === recipe.pin) return pull(reference)
  // What is built on nothing goes on while the base is made.
  if (recipe.isOnBase) await baseReady()
  const folder = join(scratch, recipe.name)
  await layOut(build, recipe, folder)
  // Programs in containers run as another user than the one whose checkout this is.
  await letAllRead(folder)
  const network = source === 'offline' ? ['--network', 'none'] : []
  const dockerfile = join(recipe.folder, 'Dockerfile')
  await docker('build', ...network, '--build-arg', `BASE=${base}`, '--tag', reference, '--file', dockerfile, folder)
}

/** What the Dockerfile may copy: its neighbours, Debian packages where it names some, and what its server adds. */
async function layOut({ source, base }: Build, recipe: Recipe, folder: string): Promise<void> {
  await mkdir(folder)
  for (const file of recipeFiles(recipe.folder).filter((file) => file !== 'Dockerfile'))
    await cp(join(recipe.folder, file), join(folder, file))
  const packages = packagesIn(await readFile(join(recipe.folder, 'Dockerfile'), 'utf8'))
  // Where a registry answers, apt of the base does it, and the folder stays empty.
  if (packages.length > 0) await mkdir(join(folder, 'packages'))
  if (packages.length > 0 && source === 'offline') await downloadPackages(base, packages, join(folder, 'packages'))
  await recipe.layOut?.(folder)
}

async function pull(reference: string): Promise<void> {
  await docker('pull', '--quiet', reference)
}

async function tellWhatRunsUse(lacking: readonly Recipe[]): Promise<void> {
  for (const [name, image] of await resolveImages())
    say(`${name.padEnd(12)}  ${image.source.padEnd(8)}  ${image.reference}`)
  for (const { name } of lacking) say(`${name.padEnd(12)}  missing   engines on it run in processes only`)
}

function problemOf(error: unknown): readonly string[] {
  return [describeError(error)]
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => (made ??= make())
}

/** Build the base where no registry answers, of the distribution that this machine runs. */
async function buildBase(reference: string, scratch: string): Promise<void> {
  if (process.getuid?.() !== 0) throw new HarnessError(`debootstrap needs root: run ${offlineCommand} as root`)
  const { mirror, suite } = await packageSource()
  const root = join(scratch, 'base')
  await run('sh', [baseScript, root, suite, mirror], 'a POSIX shell is needed')
  await run('tar', ['--create', '--numeric-owner', '--file', `${root}.tar`, '--directory', root, '.'], 'install tar')
  await docker('import', `${root}.tar`, reference)
}
