import { describeError, HarnessError } from '../../harness/core/errors.ts'
import { run, say } from './command.ts'

const noGo = 'install Go 1.26 or newer from https://go.dev/dl (Debian: apt-get install golang), then run this again'

export async function hasGo(): Promise<boolean> {
  return run('go', ['version'], noGo).then(
    () => true,
    () => false,
  )
}

/** Build `MODULE/PACKAGE@VERSION` into a folder; Go checks the checksums of all modules. Throws HarnessError. */
export async function buildPrograms(packages: readonly string[], folder: string): Promise<void> {
  say(`${await run('go', ['version'], noGo)}a first build takes minutes`)
  for (const name of packages) await buildProgram(name, folder)
}

/** `stamp`: a variable of the program that is set to a text, `package.Name=text`. */
export async function buildProgram(name: string, folder: string, stamp?: string): Promise<void> {
  say(`go install ${name}`)
  // Without the system's C compiler, and small: no debugger will look at it.
  const env = { GOBIN: folder, CGO_ENABLED: '0', GOFLAGS: '-trimpath' }
  const flags = stamp === undefined ? '-s -w' : `-s -w -X ${stamp}`
  await run('go', ['install', '-ldflags', flags, name], noGo, { env }).catch(explain)
}

function explain(error: unknown): never {
  const why = describeError(error)
  const hint = /dial tcp|no such host|timeout|403|404/i.test(why)
    ? '\nthe Go module proxy must be reachable: GOPROXY names another one'
    : ''
  throw new HarnessError(`${why}${hint}`)
}
