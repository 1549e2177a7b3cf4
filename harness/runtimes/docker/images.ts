import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { HarnessError } from '../../core/errors.ts'
import { readIngredients } from './images/ingredients.ts'
import { type ImageName, imageNames, imageReferences, type Source } from './images/references.ts'

/** An image on this machine. */
export interface Image {
  /** What a container is started from: a pinned official image, or one of ours whose tag is a hash of its contents. */
  readonly reference: string
  /** `sha256:...` of exactly what is started. */
  readonly id: string
  readonly source: Source
}

export type Images = Readonly<Record<ImageName, Image>>

/**
 * The images to start, each from a registry where it was pulled, else the one that was built here. Pulls and builds
 * nothing. Throws HarnessError that names all that are missing, or made of other sources than the checkout has now.
 */
export async function resolveImages(): Promise<Images> {
  const ingredients = readIngredients()
  const [pulled, built] = [imageReferences(ingredients, 'registry'), imageReferences(ingredients, 'offline')]
  const found = await Promise.all(
    imageNames.map(async (name) => (await find(pulled[name], 'registry')) ?? find(built[name], 'offline')),
  )
  const missing = imageNames.filter((_, index) => !found[index])
  if (missing.length > 0) throw new HarnessError(missingImages(missing))
  return Object.fromEntries(imageNames.map((name, index) => [name, found[index]])) as unknown as Images
}

export function missingImages(names: readonly ImageName[]): string {
  const which = names.length === 1 ? `image ${names[0]} is` : `images ${names.join(', ')} are`
  const how = 'run `npm run images`, or `npm run images:offline` where no registry answers'
  return `the container ${which} missing or out of date: ${how}`
}

/** The id of an image on this machine; undefined when it is not there. Throws HarnessError when Docker cannot tell. */
export async function imageId(reference: string): Promise<string | undefined> {
  try {
    const answer = await promisify(execFile)('docker', ['image', 'inspect', '--format', '{{.Id}}', reference])
    return answer.stdout.trim()
  } catch (error) {
    const { code, stderr = '' } = error as { code?: unknown; stderr?: string }
    if (/no such image/i.test(stderr)) return undefined
    throw new HarnessError(code === 'ENOENT' ? 'docker is not installed' : `docker: ${stderr.trim()}`)
  }
}

async function find(reference: string, source: Source): Promise<Image | undefined> {
  const id = await imageId(reference)
  return id === undefined ? undefined : { reference, id, source }
}
