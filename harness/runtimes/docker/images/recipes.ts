import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { servers } from '../../../../servers/all.ts'
import type { ServerImage } from '../../../../servers/server.ts'
import { checkout, layOutNode, nodeContents } from './node-files.ts'

/** Where an image comes from: pulled (ours: built on a pulled base), or built on this machine without any registry. */
export type Source = 'registry' | 'offline'

/** How to come by one image. */
export interface Recipe {
  readonly name: string
  /** The folder of its Dockerfile and of the files that this copies. */
  readonly folder: string
  /** Every run starts it. An image of a server is needed only by the engines on it. */
  readonly isRequired: boolean
  /** The official image. */
  readonly pin?: string
  /** Built on the base; else of nothing but one static file. */
  readonly isOnBase: boolean
  /** All that decides what our own build contains beside the base, as text. Throws HarnessError where npm did not install a part. */
  contents(): readonly string[]
  /** What the build of a server's image puts beside those files. */
  readonly layOut?: ServerImage['layOut'] | undefined
}

/** The images on which the others are built, by source. */
export interface Bases {
  readonly registry: string
  /** What builds the other one. */
  readonly script: string
}

const here = 'harness/runtimes/docker/images'
export const baseScript = join(checkout, here, 'base.sh')

export function readBases(): Bases {
  return { registry: debian, script: readFileSync(baseScript, 'utf8') }
}

const debian =
  'docker.io/library/debian:bookworm-20260824-slim@sha256:88200866dfff7ea7f5cbcb6ec7c8a701889efe6fe859fe64d6990e4b07ea4171'

/** Two of our own, and one per server that has an image. */
export function readRecipes(): readonly Recipe[] {
  const own = (name: string, more: Omit<More, 'isRequired'>): Recipe => {
    return recipeIn(join(here, name), name, { isRequired: true, ...more })
  }
  const theirs = [...servers.values()].flatMap(({ name, image, service }) => {
    if (!image) return []
    const { pin, versions = () => [], layOut } = image
    return recipeIn(join('servers', name), name, {
      isRequired: !service,
      contents: versions,
      layOut,
      ...(pin && { pin }),
    })
  })
  return [own('node', { contents: nodeContents, layOut: layOutNode }), own('router', { contents: () => [] }), ...theirs]
}

type More = Pick<Recipe, 'isRequired' | 'contents' | 'layOut' | 'pin'>

function recipeIn(path: string, name: string, { contents, ...more }: More): Recipe {
  const folder = join(checkout, path)
  const files = recipeFiles(folder).map((file) => readFileSync(join(folder, file), 'utf8'))
  const isOnBase = /^ARG BASE$/m.test(readFileSync(join(folder, 'Dockerfile'), 'utf8'))
  return { name, folder, isOnBase, ...more, contents: () => [files.join('\n'), process.arch, ...contents()] }
}

/** The Dockerfile and what it can copy: what is neither code nor prose, by name. */
export function recipeFiles(folder: string): readonly string[] {
  return globSync('*', { cwd: folder, exclude: (name) => /\.(ts|md)$/.test(name) }).sort()
}

/** The image on which others are built. */
export function baseReference({ registry, script }: Bases, source: Source): string {
  return source === 'registry' ? registry : tagged('base', [script, process.arch])
}

/**
 * What a container of an image is started from. A hash of its contents names each image that we build, so an image of
 * other sources is never taken for one of these.
 */
export function referenceTo({ name, pin, isOnBase, contents }: Recipe, bases: Bases, source: Source): string {
  if (source === 'registry' && pin !== undefined) return pin
  return tagged(name, [...contents(), ...(isOnBase ? [baseReference(bases, source)] : [])])
}

function tagged(name: string, inputs: readonly string[]): string {
  const digest = createHash('sha256').update(JSON.stringify(inputs)).digest('hex')
  return `outlast/${name}:${digest.slice(0, 12)}`
}
