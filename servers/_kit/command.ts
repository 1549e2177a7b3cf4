import { HarnessError } from '../../harness/core/errors.ts'
import { ProgramError, runProgram } from '../../harness/os/program.ts'

interface Options {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

/**
 * Run a program to its end; its stdout. Throws HarnessError with what it last said, or, where it is not installed,
 * with `install`: what to do about it.
 */
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
    throw new HarnessError(`${[command, ...args].join(' ')} failed (${code}): ${lastLines(stdout + stderr)}`)
  }
}

/** Progress, where it disturbs no output. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-15).join('\n')
}
