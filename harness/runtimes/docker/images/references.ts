import { createHash } from 'node:crypto'

const basicNames = ['node', 'router', 'postgres', 'redis', 'toxiproxy', 'restate', 'nginx'] as const
/** Each is for the cells of one engine, and is built for minutes by a newer Go than the rest asks for: all else works without. */
const singleNames = ['temporal', 'temporal-dev'] as const
export const imageNames = [...basicNames, ...singleNames]
export type BasicName = (typeof basicNames)[number]
export type ImageName = (typeof imageNames)[number]

/** Whether every run needs it. */
export function isBasic(name: ImageName): name is BasicName {
  return basicNames.some((basic) => basic === name)
}

/** Where an image comes from: pulled (ours: built on a pulled base), or built on this machine without any registry. */
export type Source = 'registry' | 'offline'

/** Official images, each `repository:tag@digest`. */
export type Pins = Readonly<Record<'debian' | Exclude<BasicName, 'node' | 'router'>, string>>

/** All that our images are made of, as text: binaries by their exact versions. */
export interface Ingredients {
  readonly pins: Pins
  /** What builds each image: its Dockerfile and the files that it copies from `images/`. */
  readonly recipes: Readonly<Record<ImageName | 'base', string>>
  readonly versions: Readonly<Record<'node' | 'postgres' | 'restate' | (typeof singleNames)[number], string>>
  /** Every file of the nodes' program with its content, and every package it needs with its version. */
  readonly program: readonly string[]
}

/** The image on which the others are built, Toxiproxy excepted: that is one static file. */
export function baseReference({ pins, recipes }: Ingredients, source: Source): string {
  return source === 'registry' ? pins.debian : tagged('base', [recipes.base, process.arch])
}

/**
 * The reference of every image, by source. What we build is named by a hash of what it is made of, so that an image
 * of other sources is never taken for one of these.
 */
export function imageReferences(from: Ingredients, source: Source): Readonly<Record<ImageName, string>> {
  const base = baseReference(from, source)
  const ours = (name: ImageName, ...more: readonly string[]): string =>
    tagged(name, [from.recipes[name], process.arch, ...more])
  const { debian: _, ...official } = from.pins
  const built = {
    postgres: ours('postgres', base, from.versions.postgres),
    redis: ours('redis', base),
    toxiproxy: ours('toxiproxy', toxiproxyVersion(from.pins)),
    restate: ours('restate', base, from.versions.restate),
    nginx: ours('nginx', base),
  }
  return {
    node: ours('node', base, from.versions.node, ...from.program),
    router: ours('router', base),
    temporal: ours('temporal', base, from.versions.temporal),
    'temporal-dev': ours('temporal-dev', base, from.versions['temporal-dev']),
    ...(source === 'registry' ? official : built),
  }
}

/** The version of the official image: the one that is built where that cannot be pulled. */
export function toxiproxyVersion({ toxiproxy }: Pins): string {
  return toxiproxy.replace(/^.*:(.*)@.*$/, '$1')
}

function tagged(name: string, inputs: readonly string[]): string {
  const digest = createHash('sha256').update(JSON.stringify(inputs)).digest('hex')
  return `outlast/${name}:${digest.slice(0, 12)}`
}
