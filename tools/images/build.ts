/**
 * `npm run images`: pull the official images, build ours on an official base.
 * `npm run images:offline`: build every one of them where no registry answers. Needs root, debootstrap and Go.
 * An image that is there already costs one look. One that only one engine needs, and that cannot be made, costs that engine.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeError } from '../../harness/core/errors.ts'
import { imageId, resolveImages } from '../../harness/runtimes/docker/images/resolve.ts'
import { readIngredients } from '../../harness/runtimes/docker/images/ingredients.ts'
import { checkout } from '../../harness/runtimes/docker/images/node-files.ts'
import {
  baseReference,
  type ImageName,
  imageNames,
  imageReferences,
  isBasic,
  type Source,
} from '../../harness/runtimes/docker/images/references.ts'
import { letAllRead } from '../../harness/os/readable.ts'
import { buildBase } from '../../images/base.ts'
import { docker, say } from '../../servers/_kit/command.ts'
import { contexts } from './contexts.ts'

// What is made for an image keeps its mode there.
process.umask(0o022)
const source: Source = process.argv[2] === 'offline' ? 'offline' : 'registry'
const ingredients = readIngredients()
const base = baseReference(ingredients, source)
const references = imageReferences(ingredients, source)
const scratch = await mkdtemp(join(tmpdir(), 'outlast-images-'))
try {
  const { failed, problems } = await provideAll()
  const isComplete = !failed.some(isBasic)
  for (const problem of problems) say(problem)
  if (isComplete) await tellWhatRunsUse(failed)
  else if (source === 'registry') say('where no registry answers: npm run images:offline')
  process.exitCode = isComplete ? 0 : 1
} finally {
  await rm(scratch, { recursive: true, force: true })
}

/** Which are missing, and what went wrong, each thing once: a missing tool costs only the images that need it. */
async function provideAll(): Promise<{ readonly failed: readonly ImageName[]; readonly problems: readonly string[] }> {
  const daemon = await docker('version').then(() => undefined, describeError)
  if (daemon !== undefined) return { failed: imageNames, problems: [daemon] }
  const makeBase = async (): Promise<void> => (source === 'registry' ? pull(base) : buildBase(base, scratch))
  const baseReady = once(() => provide('base', base, makeBase))
  const outcomes = await Promise.all(
    imageNames.map((name) => provide(name, references[name], () => make(name, baseReady)).then(() => [], problemOf)),
  )
  return { failed: imageNames.filter((_, i) => outcomes[i]!.length > 0), problems: [...new Set(outcomes.flat())] }
}

async function provide(name: string, reference: string, make: () => Promise<void>): Promise<void> {
  const started = performance.now()
  if (await imageId(reference)) return
  await make()
  say(`${name}: ready after ${((performance.now() - started) / 1000).toFixed(1)} s`)
}

async function make(name: ImageName, baseReady: () => Promise<void>): Promise<void> {
  const reference = references[name]
  if (reference.includes('@')) return pull(reference)
  // Toxiproxy is one static file: its Go build goes on while the base is made.
  if (name !== 'toxiproxy') await baseReady()
  const folder = join(scratch, name)
  await mkdir(folder)
  await contexts[name]({ ingredients, source, base, folder })
  // Programs in containers run as another user than the one whose checkout this is.
  await letAllRead(folder)
  const network = source === 'offline' ? ['--network', 'none'] : []
  const dockerfile = join(checkout, 'images', `${name}.Dockerfile`)
  await docker('build', ...network, '--build-arg', `BASE=${base}`, '--tag', reference, '--file', dockerfile, folder)
}

async function pull(reference: string): Promise<void> {
  await docker('pull', '--quiet', reference)
}

async function tellWhatRunsUse(lacking: readonly ImageName[]): Promise<void> {
  for (const [name, image] of Object.entries(await resolveImages()))
    say(`${name.padEnd(12)}  ${image.source.padEnd(8)}  ${image.reference}`)
  for (const name of lacking) say(`${name.padEnd(12)}  missing   the engine of this name runs in processes only`)
}

function problemOf(error: unknown): readonly string[] {
  return [describeError(error)]
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => (made ??= make())
}
