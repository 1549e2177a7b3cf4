/**
 * `npm run engines:install`: build what the engines need and npm does not have, once per version and user.
 * Go's module system checks every module against its checksum database before anything is compiled.
 */
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describeError, HarnessError } from '../harness/core/errors.ts'
import { isInstalled, temporalFolder, temporalVersion } from '../harness/runtimes/programs/temporal-binaries.ts'
import { run, say } from '../images/command.ts'

const module = `go.temporal.io/server`
const packages = [`${module}/cmd/server`, `${module}/cmd/tools/sql`]
const noGo = 'install Go 1.26 or newer from https://go.dev/dl (Debian: apt-get install golang), then run this again'

try {
  if (await isInstalled()) say(`Temporal ${temporalVersion}: is there, in ${temporalFolder()}`)
  else await installTemporal()
} catch (error) {
  say(describeError(error))
  process.exitCode = 1
}

/** Complete or absent: built under another name first. */
async function installTemporal(): Promise<void> {
  const folder = temporalFolder()
  const partial = `${folder}.${process.pid}`
  const started = performance.now()
  say(`${await run('go', ['version'], noGo)}Temporal ${temporalVersion}: a first build takes minutes`)
  await mkdir(partial, { recursive: true })
  try {
    for (const name of packages) await build(name, partial)
    await rename(partial, folder).catch(async (error: unknown) => {
      // Somebody else was as far first.
      if (!(await isInstalled())) throw error
    })
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
  say(`Temporal ${temporalVersion}: ready after ${seconds(started)} s, in ${folder}`)
}

async function build(name: string, folder: string): Promise<void> {
  const started = performance.now()
  say(`go install ${name}@v${temporalVersion}`)
  // Without the system's C compiler, and small: no debugger will look at it.
  const env = { GOBIN: join(folder), CGO_ENABLED: '0', GOFLAGS: '-trimpath' }
  await run('go', ['install', '-ldflags', '-s -w', `${name}@v${temporalVersion}`], noGo, { env }).catch(explain)
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
