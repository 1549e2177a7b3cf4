import { Command } from 'commander'
import manifest from '../../package.json' with { type: 'json' }
import { type ExitCode, exitCodes, HarnessError } from '../core/errors.ts'
import { visible } from '../core/visible.ts'
import { ensureHome } from '../os/home.ts'
import { crash, reportError } from './crash.ts'
import { heedOutput, lostOutput } from './output.ts'

/** How long a finished command may take to let go of what it held before the process ends anyway. */
const lingerMs = 2_000

/** The `outlast` command. Sets the process's exit code, and never rejects. */
export async function main(args: readonly string[]): Promise<void> {
  process.on('uncaughtException', crash)
  heedOutput()
  ensureHome()
  // Then a file that grows beyond the limit of this process is an error of that file (EFBIG), and not the end of us.
  process.on('SIGXFSZ', () => {})
  const code = await execute(args)
  const lost = await lostOutput()
  process.exitCode = lost === undefined ? code : reportError(new HarnessError(`cannot write the output: ${lost}`))
  setTimeout(() => process.exit(), lingerMs).unref()
}

async function execute(args: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = exitCodes.pass
  try {
    const program = await createProgram(args, (result) => (code = result))
    await program.parseAsync(args, { from: 'user' })
    return code
  } catch (error) {
    return reportError(error)
  }
}

/** Every command hands its exit code to `done`. */
export type Done = (code: ExitCode) => void
type Declare = (command: Command, done: Done) => void

interface CommandFile {
  readonly summary: string
  load(): Promise<{ readonly default: Declare }>
}

const commands: Readonly<Record<string, CommandFile>> = {
  run: { summary: 'carry out a scenario, judge it, and write its report', load: () => import('./commands/run.ts') },
  plan: { summary: 'print what a run would do, without doing it', load: () => import('./commands/plan.ts') },
  power: {
    summary: 'what a scenario can tell apart, and what its gates need',
    load: () => import('./commands/power.ts'),
  },
  conform: {
    summary: 'hold patterns, or any service that implements the task API, against the contract',
    load: () => import('./commands/conform.ts'),
  },
  list: { summary: 'what scenarios can name, and what each promises', load: () => import('./commands/list.ts') },
  check: {
    summary: 'judge a run again from its files, and exit with its verdict',
    load: () => import('./commands/check.ts'),
  },
  report: {
    summary: 'judge a run again from its files, and write its report',
    load: () => import('./commands/report.ts'),
  },
  compare: {
    summary: 'two runs, or two patterns of one, task by task: what differs, and how sure that is',
    load: () => import('./commands/compare.ts'),
  },
  explain: {
    summary: "one task's whole story in the order of time, with the faults that touched it",
    load: () => import('./commands/explain.ts'),
  },
  doctor: { summary: 'what is available here, and why what is not is not', load: () => import('./commands/doctor.ts') },
  validate: {
    summary: 'put systems whose truth is known through the real path, and compare what is reported',
    load: () => import('./commands/validate.ts'),
  },
  clean: {
    summary: 'remove what interrupted runs left: processes, databases, temporary files',
    load: () => import('./commands/clean.ts'),
  },
}

/** Only the command that was asked for is loaded: asking for help must not wait for the whole harness. */
async function createProgram(args: readonly string[], done: Done): Promise<Command> {
  const program = new Command('outlast')
    .description('Which async API pattern outlasts the failures of a ten-minute agent task?')
    .version(manifest.version)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(visible(text.replace(/^error: /, 'outlast: '))) })
    .showHelpAfterError('(outlast --help lists what there is)')
    .addHelpText('after', examples)
  for (const [name, { summary, load }] of Object.entries(commands)) {
    const command = program.command(name).description(summary)
    if (args.includes(name)) (await load()).default(command, done)
  }
  return program
}

const examples = `
Examples:
  outlast run scenarios/quickstart.yaml    four patterns through the same faults, in about two minutes
  outlast plan scenarios/smoke.yaml        what would happen, without doing it
  outlast conform polling                  does it keep the contract, case by case
  outlast report latest                    the last run's report again, from its files
  outlast explain latest t-00017           one task's whole story

Exit codes: 0 pass, 1 fail, 2 inconclusive, 3 usage or bad scenario, 4 invalid run or harness error, 5 something was left behind`
