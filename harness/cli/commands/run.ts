import { join, relative } from 'node:path'
import { InvalidArgumentError } from 'commander'
import type { FileFormat, Format, ScreenFormat } from '../../../reports/format.ts'
import { plural } from '../../../reports/numbers.ts'
import { monotonicMs } from '../../../patterns/contract/types/timer.ts'
import { describeError, type ExitCode, exitCodes, HarnessError, Interrupted, UsageError } from '../../core/errors.ts'
import { summarizeNotApplicable } from '../../model/plan-remarks.ts'
import { visibleLine } from '../../core/visible.ts'
import { type OtlpTarget, otlpTarget } from '../../export/otlp/target.ts'
import { positiveDuration } from '../../scenario/units.ts'
import type { LivePage } from '../../live/live-page.ts'
import { type OnProgress, tellEach } from '../../run/progress.ts'
import { runScenario, type RunOptions, type RunOutcome } from '../../run/run.ts'
import { exitCodeOf } from '../../verdict/run.ts'
import { formatsFor, parseFormats, pickFormats, usualFormats, writeReportFile } from '../formats.ts'
import { tellGithub } from '../github.ts'
import { openLiveTable } from '../view/live-table.ts'
import { atCrash, listenForInterrupts, type TimeLimit } from '../exit.ts'
import { metricsOption, openMetrics, otlpOption, parsePort, sendTraces } from '../observers.ts'
import type { CommandFile } from '../command.ts'
import { looksOf, outputScreen, print, say, tint } from '../output.ts'
import { openPage, partWith } from '../view/page.ts'
import { openPlainLines, type ProgressView } from '../view/progress.ts'
import { runsFolder, shippedScenario } from '../arguments.ts'
import { planScenario, type ScenarioOptions, takesScenario } from '../scenario-arguments.ts'

const examples = `
Examples:
  outlast run ${shippedScenario('quickstart')}
  outlast run ${shippedScenario('smoke')} --seed 7 --patterns webhook,durable-postgres
  outlast run ${shippedScenario('quickstart')} --ui         and watch it in a browser
  outlast run ${shippedScenario('smoke')} --format junit,csv --out ci   writes ci/report.xml and ci/report.csv, beside the run's folder
  outlast run outlast.yaml --strict-gates                        refuses to run where a gate would be left out
  outlast run outlast.yaml --against main-run                    with gates on regression: task by task against that run
  outlast run ${shippedScenario('smoke')} --schedule runs/20260413T140500Z-smoke-42/schedule.json
  outlast run ${shippedScenario('quickstart')} --metrics 9464 --otlp http://127.0.0.1:4318   for Prometheus meanwhile, for Jaeger afterwards

Ctrl-C once heals the faults, ends the nodes and judges what there is, exit code 2; twice exits at once, exit code 130, and a helper process cleans up.`

interface Options extends ScenarioOptions {
  readonly out?: string
  readonly format?: readonly string[]
  readonly quiet?: true
  readonly ui?: true
  readonly verify: boolean
  readonly maxDuration?: TimeLimit
  readonly otlp?: string
  readonly metrics?: number
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
      .option(...otlpOption)
      .option(...metricsOption, parsePort)
      .option('-q, --quiet', 'no progress: the result only')
      .option('--ui', 'also show the run on a page of this machine: its address is on standard error')
      .addHelpText('after', examples)
      .action(async (path: string, options: Options) => {
        const formats = await registry.formats()
        const more = pickFormats(formats, options.format ?? [])
        const otlp = otlpTarget(options.otlp, process.env)
        const { plan, text, profiles, base } = await planScenario(path, options, registry)
        if (plan.cells.length === 0) {
          const reasons = summarizeNotApplicable(plan).map(({ what, why }) => `  ${what}: ${why}`)
          throw new UsageError([`${path}: no cell can run`, ...reasons])
        }
        const { out, verify, quiet = false, ui, maxDuration } = options
        await using metrics = options.metrics === undefined ? undefined : await openMetrics(plan, options.metrics)
        if (metrics) say(`Metrics  ${metrics.url}`)
        const watched = {
          traced: otlp !== undefined,
          ...(base && { base }),
          ...(metrics && { onTaskEnd: metrics.onTaskEnd }),
        }
        await using page = ui ? await openPage(plan) : undefined
        const { outcome, cut } = await carryOut(
          { registry, plan, scenarioText: text, profiles, out: out ?? runsFolder, verify, ...watched },
          { quiet, page, also: metrics?.onProgress },
          maxDuration,
        )
        const unwritten = await showOutcome(outcome, reportsOf(outcome, { formats, more, out }))
        for (const sentence of unwritten) say(sentence)
        if (otlp) await tellTraces(outcome, otlp)
        await tellGithub(outcome.results, outcome.leftBehind)
        if (page) await partWith(page, outcome.folder, cut !== undefined)
        done(unwritten.length > 0 ? worse(outcome, exitCodes.invalid) : worse(outcome, ownCode(outcome, cut)))
      })
  },
} satisfies CommandFile

function parseLimit(text: string): TimeLimit {
  const parsed = positiveDuration.safeParse(text)
  if (parsed.success) return { ms: parsed.data, text: `--max-duration ${text}` }
  throw new InvalidArgumentError(`${parsed.error.issues[0]!.message}.`)
}

interface Watching {
  readonly quiet: boolean
  readonly page: LivePage | undefined
  readonly also: OnProgress | undefined
}

/** What ended a run before its end. */
type Cut = 'user' | 'time'

/** Of a run that was interrupted before it had measured anything the verdict says no more than that. */
function ownCode({ results }: RunOutcome, cut: Cut | undefined): ExitCode {
  return cut === 'user' && results.cells.length === 0 ? exitCodes.interrupted : exitCodeOf(results)
}

function worse({ leftBehind }: RunOutcome, own: ExitCode): ExitCode {
  return leftBehind.length > 0 ? exitCodes.leftBehind : own
}

async function carryOut(
  options: Omit<RunOptions, 'signal' | 'onProgress'>,
  { quiet, page, also }: Watching,
  limit: TimeLimit | undefined,
): Promise<{ readonly outcome: RunOutcome; readonly cut: Cut | undefined }> {
  using interrupt = listenForInterrupts(limit)
  using view = openProgress(quiet)
  let folder: string | undefined
  const noteFolder: OnProgress = (progress) => {
    if (progress.kind === 'run-start') folder = progress.folder
  }
  const watchers = [noteFolder, view.tell, ...(page ? [page.tell] : []), ...(also ? [also] : [])]
  const onProgress = tellEach(watchers, (error) => say(`this progress is shown no more: ${describeError(error)}`))
  try {
    const outcome = await runScenario({ ...options, signal: interrupt.signal, onProgress, atCrash })
    const cut = interrupt.isByUser() ? 'user' : interrupt.signal.aborted ? 'time' : undefined
    return { outcome, cut }
  } catch (error) {
    if (error instanceof UsageError) throw error
    const why = interrupt.signal.aborted ? 'the run was interrupted' : describeError(error)
    const where = folder === undefined ? '' : `; what there is of it is in ${folder}`
    if (interrupt.isByUser()) throw new Interrupted(`${why}${where}`, { cause: error })
    throw new HarnessError(`${why}${where}`, { cause: error })
  }
}

function openProgress(quiet: boolean): ProgressView {
  if (quiet) return { tell() {}, [Symbol.dispose]() {} }
  const { stderr } = process
  if (stderr.isTTY && process.env['TERM'] !== 'dumb') return openLiveTable(stderr, monotonicMs, looksOf(stderr))
  return openPlainLines(say, monotonicMs)
}

interface Wanted {
  readonly formats: ReadonlyMap<string, Format>
  /** Those that the user named. */
  readonly more: readonly Format[]
  readonly out: string | undefined
}

interface Reports {
  readonly screen: readonly ScreenFormat[]
  /** `told`: its path is said. */
  readonly files: readonly { readonly format: FileFormat; readonly place: string; readonly told: boolean }[]
}

/** What every run gets goes into its folder. What was asked for goes where the user said, so that its path is known beforehand. */
function reportsOf({ folder }: RunOutcome, { formats, more, out }: Wanted): Reports {
  const named = formatsFor(more, 'file').filter(({ usual }) => out !== undefined || !usual)
  const screens = [...usualFormats(formats, 'screen'), ...formatsFor(more, 'screen')]
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

/** When all is judged and shown: whatever a collector does, it changes no verdict and no exit code. */
async function tellTraces({ folder: path, results }: RunOutcome, otlp: OtlpTarget): Promise<void> {
  const { sentence, complete } = await sendTraces({ folder: { name: results.run, path }, results }, otlp)
  print(`Traces   ${sentence}${complete ? '' : `; outlast traces ${shorter(path)} sends them later`}`)
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
