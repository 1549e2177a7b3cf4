import { HarnessError, describeError } from '../../harness/core/errors.ts'
import { visible } from '../../harness/core/visible.ts'
import { ProgramError, runProgram } from '../../harness/os/program.ts'

interface Options {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

/** Its stdout. Throws HarnessError with its last words, or with `install` where the program is missing. */
export async function run(
  command: string,
  args: readonly string[],
  install: string,
  options: Options = {},
): Promise<string> {
  const env = { ...process.env, ...options.env }
  try {
    return (await runProgram(command, args, { ...options, env })).stdout
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error
    const { code, stdout, stderr } = error
    if (code === 'ENOENT') throw new HarnessError(`${command} is not installed: ${install}`)
    const said = (stdout + stderr).trim().split('\n').slice(-15).join('\n')
    throw new HarnessError(`${[command, ...args].join(' ')} failed (${code}): ${said}`)
  }
}

/** Progress, where it disturbs no output; of lines that others wrote, too. */
export function say(text: string): void {
  process.stderr.write(`${visible(text.trimEnd())}\n`)
}

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

/** Why something cannot be found, or undefined where it can. */
export async function whyNot(find: () => unknown): Promise<string | undefined> {
  try {
    await find()
    return undefined
  } catch (error) {
    return describeError(error)
  }
}
