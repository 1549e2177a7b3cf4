import { Command, CommanderError } from 'commander'
import manifest from '../../package.json' with { type: 'json' }
import { describeError, type ExitCode, exitCodes, HarnessError, UsageError } from '../core/errors.ts'
import { addCheck } from './check.ts'
import { addClean } from './clean.ts'
import { addDoctor } from './doctor.ts'
import { addExplain } from './explain.ts'
import { addList } from './list.ts'
import { say, tint } from './output.ts'
import { addPlan } from './plan.ts'
import { addReport } from './report.ts'
import { addRun } from './run.ts'

/** How long a finished command may take to let go of what it held before the process ends anyway. */
const lingerMs = 2_000

/** The `outlast` command. Sets the process's exit code, and never rejects. */
export async function main(args: readonly string[]): Promise<void> {
  process.exitCode = await execute(args)
  setTimeout(() => process.exit(), lingerMs).unref()
}

async function execute(args: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = exitCodes.pass
  try {
    await createProgram((result) => (code = result)).parseAsync(args, { from: 'user' })
    return code
  } catch (error) {
    return reportError(error)
  }
}

/** Every command hands its exit code to `done`. */
export type Done = (code: ExitCode) => void

function createProgram(done: Done): Command {
  const program = new Command('outlast')
    .description('Which async API pattern outlasts the failures of a ten-minute agent task?')
    .version(manifest.version)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'outlast: ')) })
    .showHelpAfterError('(outlast --help lists what there is)')
    .addHelpText('after', examples)
  for (const add of [addRun, addPlan, addList, addCheck, addReport, addExplain, addDoctor, addClean]) add(program, done)
  return program
}

const examples = `
Examples:
  outlast run scenarios/quickstart.yaml    four patterns through the same faults, in about two minutes
  outlast plan scenarios/smoke.yaml        what would happen, without doing it
  outlast report latest                    the last run's report again, from its files
  outlast explain latest t-00017           one task's whole story

Exit codes: 0 pass, 1 fail, 2 inconclusive, 3 usage or bad scenario, 4 invalid run or harness error, 5 something was left behind`

function reportError(error: unknown): ExitCode {
  // Commander has said what is wrong, or has shown the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.pass : exitCodes.usage
  if (error instanceof UsageError) {
    for (const problem of error.problems) say(problem)
    return exitCodes.usage
  }
  const known = error instanceof HarnessError
  say(`${tint('red', 'outlast failed, which says nothing about the systems under test:')} ${describeError(error)}`)
  if (!known && error instanceof Error && error.stack) say(error.stack)
  return exitCodes.invalid
}
