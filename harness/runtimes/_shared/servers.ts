import { describeError } from '../../core/errors.ts'
import type { ServiceSpec } from '../../model/types.ts'
import { ProgramError, runProgram } from '../../os/program.ts'
import { findDevServer, whyNoDevServer } from '../../../servers/temporal-dev/releases.ts'
import { findServer as findRedis, whyNoRedis } from '../../../servers/redis/settings.ts'
import { findTemporal } from '../../../servers/temporal/binaries.ts'
import { existingTemporal, whyNoTemporal } from '../../../servers/temporal/existing.ts'

const patienceMs = 5_000

/** Servers that npm does not install: why there is none, or undefined; and which one it is. */
export const notFromNpm = {
  redis: { whyNot: whyNoRedis, version: async () => versionOf(await findRedis(), ['--version']) },
  temporal: { whyNot: whyNoTemporal, version: temporalVersion },
  'temporal-dev': { whyNot: whyNoDevServer, version: devServerVersion },
} as const

/** Of those, the ones among these services, each with what it says of itself. */
export async function describeServers(services: readonly ServiceSpec[]): Promise<Readonly<Record<string, string>>> {
  const used = Object.entries(notFromNpm).filter(([name]) => services.some(({ program }) => program === name))
  const told = used.map(async ([name, { version }]) => [name, await version().catch(describeError)] as const)
  return Object.fromEntries(await Promise.all(told))
}

/** What a program prints about its version. Throws with the reason. */
export async function versionOf(command: string, args: readonly string[]): Promise<string> {
  try {
    return (await runProgram(command, args, { timeoutMs: patienceMs })).stdout.trim()
  } catch (error) {
    const said = error instanceof ProgramError ? error.stderr.trim() : ''
    throw new Error(said || describeError(error), { cause: error })
  }
}

async function temporalVersion(): Promise<string> {
  const missing = await whyNoTemporal()
  if (missing !== undefined) throw new Error(missing)
  const address = existingTemporal()
  if (address !== undefined) return `${address} answers (TEMPORAL_ADDRESS)`
  const { server } = await findTemporal()
  return versionOf(server, ['--version'])
}

async function devServerVersion(): Promise<string> {
  const { program, origin } = await findDevServer()
  return `${await versionOf(program, ['--version'])}, ${origin}`
}
