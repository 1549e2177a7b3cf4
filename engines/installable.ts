import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describeError, HarnessError } from '../harness/core/errors.ts'
import {
  devServerFolder,
  devServerVersion,
  isDevServerInstalled,
  isInstalled,
  temporalFolder,
  temporalVersion,
} from '../harness/runtimes/programs/temporal-binaries.ts'
import { run, say } from '../images/command.ts'

const module = `go.temporal.io/server`
const packages = [`${module}/cmd/server`, `${module}/cmd/tools/sql`]

interface Installable {
  readonly title: string
  readonly packages: readonly string[]
  readonly folder: string
  readonly isThere: () => Promise<boolean>
}

const noGo = 'install Go 1.26 or newer from https://go.dev/dl (Debian: apt-get install golang), then run this again'

/** Go's module system checks every module against its checksum database before anything is compiled. */
export const installable = {
  temporal: {
    title: `Temporal ${temporalVersion}`,
    packages: packages.map((name) => `${name}@v${temporalVersion}`),
    folder: temporalFolder(),
    isThere: isInstalled,
  },
  'temporal-dev': {
    title: `Temporal CLI ${devServerVersion} with its dev server`,
    packages: [`github.com/temporalio/cli/cmd/temporal@v${devServerVersion}`],
    folder: devServerFolder(),
    isThere: isDevServerInstalled,
  },
} as const satisfies Readonly<Record<string, Installable>>
export type InstallableName = keyof typeof installable

/** One after the other: two compilers at once need the memory of both and no less time. */
let last: Promise<unknown> = Promise.resolve()

/** Build it, unless it is there. Throws HarnessError with what the compiler said, or with how to get one. */
export function install(name: InstallableName): Promise<void> {
  const made = last.then(() => build(installable[name]))
  last = made.catch(() => {})
  return made
}

/** Complete or absent: built under another name first. */
async function build({ title, packages: names, folder, isThere }: Installable): Promise<void> {
  if (await isThere()) return say(`${title}: is there, in ${folder}`)
  const partial = `${folder}.${process.pid}`
  const started = performance.now()
  say(`${await run('go', ['version'], noGo)}${title}: a first build takes minutes`)
  await mkdir(partial, { recursive: true })
  try {
    for (const name of names) await compile(name, partial)
    await rename(partial, folder).catch(async (error: unknown) => {
      // Somebody else was as far first.
      if (!(await isThere())) throw error
    })
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
  say(`${title}: ready after ${seconds(started)} s, in ${folder}`)
}

async function compile(name: string, folder: string): Promise<void> {
  const started = performance.now()
  say(`go install ${name}`)
  // Without the system's C compiler, and small: no debugger will look at it.
  const env = { GOBIN: join(folder), CGO_ENABLED: '0', GOFLAGS: '-trimpath' }
  await run('go', ['install', '-ldflags', '-s -w', name], noGo, { env }).catch(explain)
  say(`  done after ${seconds(started)} s`)
}

function explain(error: unknown): never {
  const why = describeError(error)
  const hint = /dial tcp|no such host|timeout|403|404/i.test(why)
    ? '\nthe Go module proxy must be reachable: GOPROXY names another one'
    : ''
  throw new HarnessError(`${why}${hint}`)
}

function seconds(sinceMs: number): string {
  return ((performance.now() - sinceMs) / 1000).toFixed(0)
}
