import { CommanderError } from 'commander'
import { describeError, type ExitCode, exitCodes, HarnessError, UsageError } from '../core/errors.ts'
import { visibleLine } from '../core/visible.ts'
import { say, tint } from './output.ts'

type LastAct = (why: string) => void

const lastActs = new Set<LastAct>()

/** What is to be done when this process crashes. It must wait for nothing: there is no later. */
export function atCrash(act: LastAct): Disposable {
  lastActs.add(act)
  return { [Symbol.dispose]: () => void lastActs.delete(act) }
}

/** End this process at once, for a reason that says nothing about the systems under test. What it started, its reaper ends. */
export function leaveAtOnce(why: string): never {
  for (const act of lastActs) act(why)
  process.exit(exitCodes.invalid)
}

/** What nobody caught. Node's own exit code for it is 1, which would read as a verdict. */
export function crash(error: unknown): never {
  try {
    reportError(error)
  } finally {
    leaveAtOnce(describeError(error))
  }
}

/** Says what went wrong in one sentence per problem, and of a mistake of ours also where. */
export function reportError(error: unknown): ExitCode {
  // Commander has said what is wrong, or has shown the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.pass : exitCodes.usage
  if (error instanceof UsageError) {
    for (const problem of error.problems) say(visibleLine(problem))
    return exitCodes.usage
  }
  const known = error instanceof HarnessError
  say(
    `${tint('red', 'outlast failed, which says nothing about the systems under test:')} ${visibleLine(describeError(error))}`,
  )
  if (!known && error instanceof Error && error.stack) say(error.stack)
  return exitCodes.invalid
}
