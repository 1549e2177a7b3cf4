import { homedir } from 'node:os'
import { Command } from 'commander'
import { type ExitCode, exitCodes, HarnessError } from '../core/errors.ts'
import { discover } from '../core/discover.ts'
import { manifest } from '../core/own-package.ts'
import { visible } from '../core/visible.ts'
import { openRegistry } from '../registry.ts'
import type { CommandContext, CommandFile } from './command.ts'
import { shippedScenario } from './arguments.ts'
import { conclude, crash, guardExit, reportError } from './exit.ts'
import { watchOutput, lostOutput } from './output.ts'

/** How long a finished command may take to let go of what it held before the process ends anyway. */
const lingerMs = 2_000

/** The `outlast` command. Sets the process's exit code, and never rejects. */
export async function main(args: readonly string[]): Promise<void> {
  process.on('uncaughtException', crash)
  guardExit()
  watchOutput()
  ensureHome()
  // Then a file that grows beyond the limit of this process is an error of that file (EFBIG), and not the end of us.
  process.on('SIGXFSZ', () => {})
  const code = await execute(args)
  const lost = await lostOutput()
  conclude(lost === undefined ? code : reportError(new HarnessError(`cannot write the output: ${lost}`)))
  setTimeout(() => process.exit(), lingerMs).unref()
}

async function execute(args: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = exitCodes.pass
  try {
    const program = await createProgram(args, { registry: openRegistry(), done: (result) => (code = result) })
    await program.parseAsync(args, { from: 'user' })
    return code
  } catch (error) {
    return reportError(error)
  }
}

/** Commands are the files of `commands/`. Only one that is asked for is loaded; all of them where none is, for their summaries. */
export async function createProgram(args: readonly string[], context: CommandContext): Promise<Command> {
  const folder = new URL('./commands/', import.meta.url)
  const named = await discover<CommandFile>(folder, undefined, args)
  const commands = named.size > 0 ? named : await discover<CommandFile>(folder)
  const program = new Command('outlast')
    .description('Which async API pattern outlasts the failures of a ten-minute agent task?')
    .version(manifest.version)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(visible(text.replace(/^error: /, 'outlast: '))) })
    .showHelpAfterError('(outlast --help lists what there is)')
    .addHelpText('after', examples)
  for (const { name, summary, declare } of commands.values())
    declare(program.command(name).description(summary), context)
  return program
}

const examples = `
Examples:
  outlast run ${shippedScenario('quickstart')}    four patterns through the same faults, in about two minutes
  outlast plan ${shippedScenario('smoke')}        what would happen, without doing it
  outlast conform polling                  does it keep the contract, case by case
  outlast report latest                    the last run's report again, from its files
  outlast explain latest t-00017           one task's whole story

Exit codes: 0 pass, 1 fail, 2 inconclusive, 3 usage or bad scenario, 4 invalid run or harness error, 5 something was left behind, 130 interrupted`

/** Docker's client fails for a user without a home, as in many containers: from now on it has an absent one. */
function ensureHome(): void {
  try {
    homedir()
  } catch {
    process.env['HOME'] = '/nonexistent'
  }
}
