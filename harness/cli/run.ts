import { join, relative } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { plural } from '../../reports/numbers.ts'
import { monotonicMs } from '../core/clock.ts'
import { describeError, exitCodes, HarnessError, UsageError } from '../core/errors.ts'
import { summarizeLeftOut } from '../core/left-out.ts'
import { positiveDuration } from '../plan/units.ts'
import type { OnProgress } from '../run/progress.ts'
import { runScenario, type RunOptions, type RunOutcome } from '../run/run.ts'
import { exitCodeOf } from '../verdict/run.ts'
import { openCatalog } from './catalog.ts'
import { loadFormats, pickFormat } from './formats.ts'
import { openLiveTable, type ProgressView } from './live-table.ts'
import { listenForInterrupts, type TimeLimit } from './interrupt.ts'
import type { Done } from './main.ts'
import { outputScreen, print, say, tint } from './output.ts'
import { openPlainLines } from './plain-lines.ts'
import { writeReportFile } from './report.ts'
import { runsFolder } from './run-argument.ts'
import { planScenario, takesScenario, type ScenarioOptions } from './scenario.ts'

const examples = `
Examples:
  outlast run scenarios/quickstart.yaml
  outlast run scenarios/smoke.yaml --seed 7 --patterns webhook,durable-postgres
  outlast run scenarios/smoke.yaml --schedule runs/20260413T140500Z-smoke-42/schedule.json

Ctrl-C once heals the faults, ends the nodes and judges what there is, exit code 2; twice exits at once, and a helper process cleans up.`

interface Options extends ScenarioOptions {
  readonly out: string
  readonly quiet?: true
  readonly verify: boolean
  readonly maxDuration?: TimeLimit
}

export default function declareRun(command: Command, done: Done): void {
  takesScenario(command)
    .option('-o, --out <folder>', "where the run's folder goes", runsFolder)
    .option('--no-verify', 'measure without holding the patterns against the contract first')
    .option('--max-duration <time>', 'end the run in order after this much real time, for example 10m', parseLimit)
    .option('-q, --quiet', 'no progress: the result only')
    .addHelpText('after', examples)
    .action(async (path: string, options: Options) => {
      const { plan, text, profiles } = await planScenario(path, options, await openCatalog())
      if (plan.cells.length === 0) throw new UsageError([`${path}: no cell can run`, ...notApplicable(plan)])
      const { out, verify, quiet = false, maxDuration } = options
      const outcome = await carryOut({ plan, scenarioText: text, profiles, out, verify }, quiet, maxDuration)
      await showOutcome(outcome)
      done(outcome.leftBehind.length > 0 ? exitCodes.leftBehind : exitCodeOf(outcome.results))
    })
}

function notApplicable(plan: RunOptions['plan']): readonly string[] {
  return summarizeLeftOut(plan).map(({ what, why }) => `  ${what}: ${why}`)
}

function parseLimit(text: string): TimeLimit {
  const parsed = positiveDuration.safeParse(text)
  if (parsed.success) return { ms: parsed.data, text: `--max-duration ${text}` }
  throw new InvalidArgumentError(`${parsed.error.issues[0]!.message}.`)
}

async function carryOut(
  options: Omit<RunOptions, 'signal' | 'onProgress'>,
  quiet: boolean,
  limit: TimeLimit | undefined,
): Promise<RunOutcome> {
  using interrupt = listenForInterrupts(limit)
  using view = openProgress(quiet)
  let folder: string | undefined
  const onProgress: OnProgress = (progress) => {
    if (progress.kind === 'run-start') folder = progress.folder
    view.tell(progress)
  }
  try {
    return await runScenario({ ...options, signal: interrupt.signal, onProgress })
  } catch (error) {
    if (error instanceof UsageError) throw error
    const why = interrupt.signal.aborted ? 'the run was interrupted' : describeError(error)
    const where = folder === undefined ? '' : `; what there is of it is in ${folder}`
    throw new HarnessError(`${why}${where}`, { cause: error })
  }
}

function openProgress(quiet: boolean): ProgressView {
  if (quiet) return { tell() {}, [Symbol.dispose]() {} }
  const { stderr } = process
  if (stderr.isTTY && process.env['TERM'] !== 'dumb') return openLiveTable(stderr, monotonicMs)
  return openPlainLines(say, monotonicMs)
}

async function showOutcome({ results, folder, leftBehind }: RunOutcome): Promise<void> {
  const formats = await loadFormats()
  await writeReportFile(pickFormat(formats, 'markdown'), results, folder)
  const report = await writeReportFile(pickFormat(formats, 'html'), results, folder)
  print(`\n${pickFormat(formats, 'terminal').render(results, outputScreen())}`)
  print(`Report   ${shorter(report)}\nHistory  ${shorter(join(folder, 'cells'))}`)
  if (leftBehind.length === 0) return
  say(tint('red', `${plural(leftBehind.length, 'thing')} left behind: outlast clean removes what it can`))
  for (const left of leftBehind) say(`  ${left}`)
}

/** Relative to here where that is shorter. */
function shorter(path: string): string {
  const near = relative(process.cwd(), path)
  return near.length < path.length ? near : path
}
