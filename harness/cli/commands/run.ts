import { join, relative } from 'node:path'
import { InvalidArgumentError } from 'commander'
import type { Format } from '../../../reports/format.ts'
import { plural } from '../../../reports/numbers.ts'
import { monotonicMs } from '../../../patterns/contract/types/timer.ts'
import { describeError, exitCodes, HarnessError, UsageError } from '../../core/errors.ts'
import { summarizeNotApplicable } from '../../model/plan-remarks.ts'
import { visibleLine } from '../../core/visible.ts'
import { positiveDuration } from '../../scenario/units.ts'
import type { OnProgress } from '../../run/progress.ts'
import { runScenario, type RunOptions, type RunOutcome } from '../../run/run.ts'
import { exitCodeOf } from '../../verdict/run.ts'
import { parseFormats, pickFormats, usualFormats, writeReportFile } from '../formats.ts'
import { tellGithub } from '../github.ts'
import { openLiveTable } from '../view/live-table.ts'
import { atCrash, listenForInterrupts, type TimeLimit } from '../exit.ts'
import type { CommandFile } from '../command.ts'
import { outputScreen, print, say, tint } from '../output.ts'
import { openPlainLines, type ProgressView } from '../view/progress.ts'
import { runsFolder, planScenario, shippedScenario, takesScenario, type ScenarioOptions } from '../arguments.ts'

const examples = `
Examples:
  outlast run ${shippedScenario('quickstart')}
  outlast run ${shippedScenario('smoke')} --seed 7 --patterns webhook,durable-postgres
  outlast run ${shippedScenario('smoke')} --format junit,csv --out ci   writes ci/report.xml and ci/report.csv, beside the run's folder
  outlast run ${shippedScenario('smoke')} --schedule runs/20260413T140500Z-smoke-42/schedule.json

Ctrl-C once heals the faults, ends the nodes and judges what there is, exit code 2; twice exits at once, and a helper process cleans up.`

interface Options extends ScenarioOptions {
  readonly out?: string
  readonly format?: readonly string[]
  readonly quiet?: true
  readonly verify: boolean
  readonly maxDuration?: TimeLimit
}

export default {
  name: 'run',
  summary: 'carry out a scenario, judge it, and write its report',
  declare(command, { registry, done }) {
    takesScenario(command)
      .option('-f, --format <a,b>', 'more reports, as outlast list formats has them', parseFormats)
      .option('-o, --out <folder>', `where the run's folder goes (default: "${runsFolder}"), and reports of --format`)
      .option('--no-verify', 'measure without holding the patterns against the contract first')
      .option('--max-duration <time>', 'end the run in order after this much real time, for example 10m', parseLimit)
      .option('-q, --quiet', 'no progress: the result only')
      .addHelpText('after', examples)
      .action(async (path: string, options: Options) => {
        const formats = await registry.formats()
        const more = pickFormats(formats, options.format ?? [])
        const { plan, text, profiles } = await planScenario(path, options, registry)
        if (plan.cells.length === 0) {
          const reasons = summarizeNotApplicable(plan).map(({ what, why }) => `  ${what}: ${why}`)
          throw new UsageError([`${path}: no cell can run`, ...reasons])
        }
        const { out, verify, quiet = false, maxDuration } = options
        const outcome = await carryOut(
          { registry, plan, scenarioText: text, profiles, out: out ?? runsFolder, verify },
          quiet,
          maxDuration,
        )
        const unwritten = await showOutcome(outcome, reportsOf(outcome, { formats, more, out }))
        for (const sentence of unwritten) say(sentence)
        await tellGithub(outcome.results)
        const own = unwritten.length > 0 ? exitCodes.invalid : exitCodeOf(outcome.results)
        done(outcome.leftBehind.length > 0 ? exitCodes.leftBehind : own)
      })
  },
} satisfies CommandFile

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
    return await runScenario({ ...options, signal: interrupt.signal, onProgress, atCrash })
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

interface Wanted {
  readonly formats: ReadonlyMap<string, Format>
  /** Those that the user named. */
  readonly more: readonly Format[]
  readonly out: string | undefined
}

interface Reports {
  readonly screen: readonly Format[]
  /** `told`: its path is said. */
  readonly files: readonly { readonly format: Format; readonly place: string; readonly told: boolean }[]
}

/** What every run gets goes into its folder. What was asked for goes where the user said, so that its path is known beforehand. */
function reportsOf({ folder }: RunOutcome, { formats, more, out }: Wanted): Reports {
  const named = more.filter(({ output, usual }) => output === 'file' && (out !== undefined || !usual))
  const screens = [...usualFormats(formats, 'screen'), ...more.filter(({ output }) => output === 'screen')]
  return {
    screen: [...new Set(screens)],
    files: [
      ...usualFormats(formats, 'file').map((format, i) => ({ format, place: folder, told: i === 0 })),
      ...named.map((format) => ({ format, place: out ?? folder, told: true })),
    ],
  }
}

/** A judged run is reported in any case. Resolves with what of it could not be written: a sentence each. */
async function showOutcome(outcome: RunOutcome, { screen, files }: Reports): Promise<readonly string[]> {
  const { results, folder, leftBehind, unsaved } = outcome
  const written = await Promise.allSettled(files.map(({ format, place }) => writeReportFile(format, results, place)))
  for (const format of screen) print(`\n${format.render(results, outputScreen())}`)
  for (const [i, one] of written.entries())
    if (one.status === 'fulfilled' && files[i]!.told) print(`Report   ${shorter(one.value)}`)
  print(`History  ${shorter(join(folder, 'cells'))}`)
  if (leftBehind.length > 0)
    say(tint('red', `${plural(leftBehind.length, 'thing')} left behind: outlast clean removes what it can`))
  for (const left of leftBehind) say(`  ${visibleLine(left)}`)
  const failed = written.flatMap((one) => (one.status === 'rejected' ? [describeError(one.reason)] : []))
  return unwrittenSentences(outcome, unsaved === undefined ? failed : [describeError(unsaved), ...failed])
}

/** The first says the rest: where a file finds no room, the next one finds none either. */
function unwrittenSentences({ results, folder, unsaved }: RunOutcome, [first]: readonly string[]): readonly string[] {
  if (first === undefined) return []
  const kept = unsaved
    ? `outlast report ${shorter(folder)} --out FOLDER judges it again`
    : `its results.json is whole, and outlast report ${shorter(folder)} --out FOLDER writes the report elsewhere`
  return [`${tint('red', 'outlast failed, and the run is judged all the same:')} ${results.verdict}; ${first}; ${kept}`]
}

/** Relative to here where that is shorter. */
function shorter(path: string): string {
  const near = relative(process.cwd(), path)
  return near.length < path.length ? near : path
}
