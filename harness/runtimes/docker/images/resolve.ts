import { describeError, HarnessError } from '../../../core/errors.ts'
import { runProgram } from '../../../os/program.ts'
import { readIngredients } from './ingredients.ts'
import { type BasicName, type ImageName, imageNames, imageReferences, isBasic, type Source } from './references.ts'

/** An image on this machine. */
export interface Image {
  /** What a container is started from: a pinned official image, or one of ours whose tag is a hash of its contents. */
  readonly reference: string
  /** `sha256:...` of exactly what is started. */
  readonly id: string
  readonly source: Source
}

export type Images = Readonly<Record<BasicName, Image>> & Readonly<Partial<Record<ImageName, Image>>>

/**
 * The images to start, each from a registry where it was pulled, else the one that was built here. Pulls and builds
 * nothing. Throws HarnessError that names all that every run needs and that are missing, or made of other sources than the
 * checkout has now; one that is for a single engine is left out instead.
 */
export async function resolveImages(): Promise<Images> {
  const found = await findAll(imageNames)
  const missing = imageNames.filter((name) => isBasic(name) && !found[name])
  if (missing.length > 0) throw new HarnessError(missingImages(missing))
  return found as Images
}

/** Why containers of these images cannot be started here, or undefined. */
export async function whyNoImages(names: readonly ImageName[]): Promise<string | undefined> {
  if (names.length === 0) return undefined
  try {
    const found = await findAll(names)
    const missing = names.filter((name) => !found[name])
    return missing.length > 0 ? missingImages(missing) : undefined
  } catch (error) {
    return describeError(error)
  }
}

/** What a container of this image is started from. Throws HarnessError that says how to make one that is missing. */
export function referenceOf(images: Images, name: ImageName): string {
  const image = images[name]
  if (image === undefined) throw new HarnessError(missingImages([name]))
  return image.reference
}

export function missingImages(names: readonly ImageName[]): string {
  const which = names.length === 1 ? `image ${names[0]} is` : `images ${names.join(', ')} are`
  const how = 'run `npm run images`, or `npm run images:offline` where no registry answers'
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

async function findAll(names: readonly ImageName[]): Promise<Partial<Record<ImageName, Image>>> {
  const ingredients = readIngredients()
  const [pulled, built] = [imageReferences(ingredients, 'registry'), imageReferences(ingredients, 'offline')]
  const found = await Promise.all(
    names.map(async (name) => [name, (await find(pulled[name], 'registry')) ?? (await find(built[name], 'offline'))]),
  )
  return Object.fromEntries(found.filter(([, image]) => image !== undefined)) as Partial<Record<ImageName, Image>>
}

async function find(reference: string, source: Source): Promise<Image | undefined> {
  const id = await imageId(reference)
  return id === undefined ? undefined : { reference, id, source }
}
