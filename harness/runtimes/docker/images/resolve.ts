import { describeError, HarnessError } from '../../../core/errors.ts'
import { runProgram } from '../../../os/program.ts'
import { imagesCommand, offlineCommand } from './commands.ts'
import { type Bases, readBases, readRecipes, type Recipe, referenceTo, type Source } from './recipes.ts'

export interface Image {
  /** What a container is started from: a pinned official image, or one of ours whose tag is a hash of its contents. */
  readonly reference: string
  /** `sha256:...` of exactly what is started. */
  readonly id: string
  readonly source: Source
}

export type Images = ReadonlyMap<string, Image>

/**
 * The images to start, each from a registry where it was pulled, else the one that was built here. Pulls and builds
 * nothing. Throws HarnessError that names all images that every run needs and that are missing, or made of other
 * sources than the checkout has now. An image that only the engines on a server need is left out instead.
 */
export async function resolveImages(): Promise<Images> {
  const recipes = readRecipes()
  const found = await findAll(recipes)
  const missing = recipes.filter(({ name, isRequired }) => isRequired && !found.has(name))
  if (missing.length > 0) throw new HarnessError(missingImages(missing.map(({ name }) => name)))
  return found
}

/** Why containers of these images cannot be started here, or undefined. */
export async function whyNoImages(names: readonly string[]): Promise<string | undefined> {
  if (names.length === 0) return undefined
  try {
    const found = await findAll(readRecipes().filter(({ name }) => names.includes(name)))
    const missing = names.filter((name) => !found.has(name))
    return missing.length > 0 ? missingImages(missing) : undefined
  } catch (error) {
    return describeError(error)
  }
}

/** What a container of this image is started from. Throws HarnessError that says how to make one that is missing. */
export function referenceOf(images: Images, name: string): string {
  const image = images.get(name)
  if (image === undefined) throw new HarnessError(missingImages([name]))
  return image.reference
}

export function missingImages(names: readonly string[]): string {
  const which = names.length === 1 ? `image ${names[0]} is` : `images ${names.join(', ')} are`
  const how = `run ${imagesCommand}, or ${offlineCommand} where no registry answers`
  return `the container ${which} missing or out of date: ${how}`
}

/** The id of an image on this machine; undefined when it is not there. Throws HarnessError when Docker cannot tell. */
export async function imageId(reference: string): Promise<string | undefined> {
  try {
    const answer = await runProgram('docker', ['image', 'inspect', '--format', '{{.Id}}', reference])
    return answer.stdout.trim()
  } catch (error) {
    const { code, stderr = '' } = error as { code?: unknown; stderr?: string }
    if (/no such image/i.test(stderr)) return undefined
    throw new HarnessError(code === 'ENOENT' ? 'docker is not installed' : `docker: ${stderr.trim()}`)
  }
}

/** By reference. Module state, so that what is started is what the record of the run says. */
const foreignIds = new Map<string, string>()

/** The id of an image of the user's as it was when this process first looked: a tag that moves during a run moves nothing here. */
export async function foreignImageId(reference: string): Promise<string | undefined> {
  const id = foreignIds.get(reference) ?? (await imageId(reference))
  if (id !== undefined) foreignIds.set(reference, id)
  return id
}

async function findAll(recipes: readonly Recipe[]): Promise<Images> {
  const bases = readBases()
  const find = async (recipe: Recipe, source: Source): Promise<Image | undefined> => {
    const reference = namedBy(recipe, bases, source)
    if (reference === undefined) return undefined
    const id = await imageId(reference)
    return id === undefined ? undefined : { reference, id, source }
  }
  const found = await Promise.all(
    recipes.map(
      async (recipe) => [recipe.name, (await find(recipe, 'registry')) ?? (await find(recipe, 'offline'))] as const,
    ),
  )
  return new Map(found.filter((entry): entry is [string, Image] => entry[1] !== undefined))
}

/** Undefined for the image of a server of which npm did not install what it is made of: an engine that nobody asked for. */
function namedBy(recipe: Recipe, bases: Bases, source: Source): string | undefined {
  try {
    return referenceTo(recipe, bases, source)
  } catch (error) {
    if (recipe.isRequired) throw error
    return undefined
  }
}
