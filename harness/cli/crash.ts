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

/** Says what went wrong in one sentence per problem, and of a mistake of ours also where; OUTLAST_STACK=1 shows all of where. */
export function reportError(error: unknown): ExitCode {
  // Commander has said what is wrong, or has shown the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.pass : exitCodes.usage
  if (error instanceof UsageError) {
    for (const problem of error.problems) say(visibleLine(problem))
    return exitCodes.usage
  }
  const failed = tint('red', 'outlast failed, which says nothing about the systems under test:')
  say(`${failed} ${visibleLine(describeError(error))}${placeOf(error)}`)
  if (process.env['OUTLAST_STACK'] && error instanceof Error && error.stack) say(error.stack)
  return exitCodes.invalid
}

/** Where in our own code, of what should not have happened. */
function placeOf(error: unknown): string {
  if (error instanceof HarnessError || !(error instanceof Error)) return ''
  const place = /\b(?:harness|patterns|reports)\/[^\s()]+:\d+:\d+/.exec(error.stack ?? '')?.[0]
  return place === undefined ? '' : ` (at ${place}; OUTLAST_STACK=1 shows more)`
}
