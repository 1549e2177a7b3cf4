import { readFileSync } from 'node:fs'
import { describeError } from '../core/errors.ts'
import { runProgram } from '../os/program.ts'

/**
 * Take away the file systems that are mounted below a folder that is to be deleted: what is in them is not the folder's.
 * Resolves with a sentence on each that stays.
 */
export async function unmountBelow(folder: string): Promise<readonly string[]> {
  const refusals: string[] = []
  for (const point of mountsBelow(folder).toReversed())
    await runProgram('umount', ['-l', point], { timeoutMs: 5_000 }).catch((error: unknown) =>
      refusals.push(`what is mounted on ${point}: ${describeError(error)}`),
    )
  return refusals
}

/** proc_pid_mountinfo(5): the fifth column, in which blanks are written as numbers. Empty where there is no /proc. */
function mountsBelow(folder: string): readonly string[] {
  try {
    return readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .map((line) => (line.split(' ')[4] ?? '').replaceAll(/\\([0-7]{3})/g, (_, code: string) => characterOf(code)))
      .filter((point) => point.startsWith(`${folder}/`))
  } catch {
    return []
  }
}

function characterOf(octal: string): string {
  return String.fromCharCode(Number.parseInt(octal, 8))
}
