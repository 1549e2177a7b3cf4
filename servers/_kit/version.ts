import { describeError } from '../../harness/core/errors.ts'
import { ProgramError, runProgram } from '../../harness/os/program.ts'

const patienceMs = 5_000

/** What a program prints about its version. Rejects with the reason why it prints none. */
export async function versionOf(command: string, args: readonly string[] = ['--version']): Promise<string> {
  try {
    return (await runProgram(command, args, { timeoutMs: patienceMs })).stdout.trim()
  } catch (error) {
    const said = error instanceof ProgramError ? error.stderr.trim() : ''
    throw new Error(said || describeError(error), { cause: error })
  }
}
