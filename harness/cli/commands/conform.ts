import { InvalidArgumentError } from 'commander'
import { join } from 'node:path'
import { supervise } from '../../cleanup/supervise.ts'
import { Breach, Refused, Undecided, Unreached } from '../../conform/expect.ts'
import { type ConformFormat, explain } from '../../conform/report.ts'
import { type Restart, restartBy, startService } from '../../conform/service-process.ts'
import { discover } from '../../core/discover.ts'
import { openRemote } from '../../conform/remote.ts'
import { type CaseResult, evidenceOf, type NamedCase, runCases } from '../../conform/suite.ts'
import { describeError, type ExitCode, exitCodes, HarnessError, UsageError } from '../../core/errors.ts'
import { timeScales } from '../../core/limits.ts'
import { visibleLine } from '../../core/visible.ts'
import { readText } from '../../scenario/load.ts'
import { didYouMean } from '../../core/did-you-mean.ts'
import { type Conformance, conformPatterns, unstarted } from '../../run/conform.ts'
import { usableRuntime } from '../../run/feasibility.ts'
import type { Registry } from '../../registry.ts'
import { listenForInterrupts } from '../exit.ts'
import type { CommandFile } from '../command.ts'
import { print, say } from '../output.ts'
import { resolvePatterns } from '../patterns.ts'
import { caseLines, summaryLines } from '../view/conformance.ts'

const notes = `
A case passes, fails with the reason, is n/a with the reason, or is undecided: what it is about did not come to pass.
A service at an address is asked with the bearer token in the environment variable OUTLAST_TOKEN, never in an argument,
which others on the machine could read. Its callbacks are checked where it runs on this machine, their signatures with the
secret in OUTLAST_WEBHOOK_SECRET (whsec_...). OUTLAST_PRINCIPAL says whose account pays, where the token is neither a JWT nor
the operator's.

Exits with 0 when no case fails or is undecided, 1 when one fails, 2 when one is undecided and none fails, 4 when a case
itself breaks, which says nothing about the service.

Examples:
  outlast conform polling                          a pattern, started here
  outlast conform webhook sse-polling+postgres     several, one after another
  outlast conform --all                            every pattern of the catalog that can run here
  outlast conform http://127.0.0.1:8080            a service that is there already
  OUTLAST_TOKEN=... outlast conform https://tasks.example.com --type report --input input.json
  outlast conform http://127.0.0.1:8080 --start 'node server.js'
                                                   a service that is started here, and killed for the cases of restarts
  outlast conform http://127.0.0.1:8080 --restart 'docker restart -t 0 tasks'
                                                   a service that is there already, and how it is restarted
  outlast conform polling --format junit           the results for a CI server; progress on standard error
  outlast conform polling --cases idempotency      one group of cases, or one case: idempotency/concurrent
  outlast conform --list                           the cases, what each proves, and where that is written`

interface Options {
  readonly all?: true
  readonly list?: true
  readonly json?: true
  readonly format?: string
  readonly start?: string
  readonly restart?: string
  readonly forgetful?: true
  readonly cases?: string
  readonly runtime: string
  readonly timeScale?: number
  readonly type: string
  readonly input?: string
  readonly logs?: string
}

export default {
  name: 'conform',
  summary: 'hold patterns, or any service that implements the task API, against the contract',
  declare(command, { registry, done }) {
    command
      .argument('[what...]', 'patterns, or one address of a service')
      .option('--all', 'every pattern of the catalog')
      .option('--list', 'only list the cases')
      .option('--cases <group>', 'only these: a group, or group/case')
      .option('--time-scale <k>', 'divides all durations: by default 30 for patterns, 1 for an address', parseScale)
      .option('--type <name>', 'of the tasks of a service at an address', 'agent')
      .option('--input <file>', "JSON of their input; by default a short task of outlast's own agent")
      .option('--runtime <name>', 'where patterns run', 'process')
      .option('--logs <folder>', 'keep the logs of nodes there')
      .option('--start <command>', 'starts the service at the address, for /bin/sh; it is killed and started again')
      .option('--restart <command>', 'restarts the service at the address, for /bin/sh, however it was started')
      .option('--forgetful', 'the tasks of the service at the address need not outlive its processes')
      .option('--format <name>', 'all results as one document, progress on standard error: junit, json or markdown')
      .option('--json', 'the same as --format json')
      .addHelpText('after', notes)
      .action(async (what: readonly string[], options: Options) => {
        const cases = selectCases(await registry.cases(), options.cases)
        if (options.list) return print(listCases(cases))
        done(await conform(what, { registry, cases, options }))
      })
  },
} satisfies CommandFile

function parseScale(text: string): number {
  const scale = Number(text)
  const { least, most } = timeScales
  if (scale >= least && scale <= most) return scale
  throw new InvalidArgumentError(`A time scale is a number from ${least} to ${most}, for example 30.`)
}

function selectCases(cases: readonly NamedCase[], wanted: string | undefined): readonly NamedCase[] {
  if (wanted === undefined) return cases
  const chosen = cases.filter(({ id }) => id === wanted || id.startsWith(`${wanted}/`))
  const names = [...new Set(cases.map(({ id }) => id.split('/')[0]!)), ...cases.map(({ id }) => id)]
  if (chosen.length > 0) return chosen
  throw new UsageError(`there are no cases "${wanted}"${didYouMean(wanted, names)}; outlast conform --list names them`)
}

function listCases(cases: readonly NamedCase[]): string {
  return cases
    .map(({ id, proves, source, needs }) => {
      return `${id}\n    ${proves}\n    ${source}${needs.length > 0 ? `; needs ${needs.join(', ')}` : ''}`
    })
    .join('\n')
}

interface Asked {
  readonly registry: Registry
  readonly cases: readonly NamedCase[]
  readonly options: Options
}

async function conform(what: readonly string[], asked: Asked): Promise<ExitCode> {
  const { cases, options } = asked
  const format = await formatOf(options)
  using interrupt = listenForInterrupts()
  const write = format ? say : print
  const view: View = {
    onStart: (name) => write(`${name}:`),
    onResult: (result) => {
      // They are many, and say the same: they come together at the end.
      if (result.outcome !== 'n/a') for (const line of caseLines(result, cases)) write(line)
    },
    signal: interrupt.signal,
  }
  try {
    const { conformances, leftBehind } = await carryOut(what, asked, view)
    const reports = conformances.map(({ pattern, cases: results }) => explain(pattern, results, cases))
    for (const report of reports) for (const line of summaryLines(report)) write(line)
    if (format) print(format.render(reports))
    for (const left of leftBehind) say(`left behind: ${visibleLine(left)}`)
    return leftBehind.length > 0 ? exitCodes.leftBehind : exitCodeFor(conformances, options.all ?? false)
  } catch (error) {
    if (interrupt.signal.aborted) throw new HarnessError('interrupted', { cause: error })
    throw error
  }
}

async function formatOf({
  json,
  format: name = json ? 'json' : undefined,
}: Options): Promise<ConformFormat | undefined> {
  if (name === undefined) return undefined
  const formats = await discover<ConformFormat>(new URL('../../conform/formats/', import.meta.url))
  const names = [...formats.keys()]
  const format = formats.get(name)
  if (format) return format
  throw new UsageError(`there is no format "${name}"${didYouMean(name, names)}; formats: ${names.join(', ')}`)
}

interface View {
  readonly onStart: (name: string) => void
  readonly onResult: (result: CaseResult) => void
  readonly signal: AbortSignal
}

async function carryOut(what: readonly string[], asked: Asked, view: View) {
  const { registry, cases, options } = asked
  const address = what.find((one) => /^https?:\/\//i.test(one))
  if (what.length + Number(options.all ?? false) === 0) throw new UsageError('name patterns, one address, or --all')
  if (address !== undefined && (what.length > 1 || options.all))
    throw new UsageError('an address stands alone: patterns and other addresses have runs of their own')
  if (address !== undefined) return conformService(address, asked, view)
  const own = ['start', 'restart', 'forgetful'].find((name) => name in options)
  if (own !== undefined) throw new UsageError(`--${own} is for a service at an address`)
  const catalog = await registry.catalog()
  const patterns = resolvePatterns(options.all ? catalog.patternNames : what, catalog)
  const runtimes = await registry.runtimes()
  const runtime = await usableRuntime(runtimes, options.runtime)
  const { timeScale = 30, logs } = options
  const { onStart, onResult, signal } = view
  const how = {
    onStart,
    onResult: (_: string, result: CaseResult) => onResult(result),
    signal,
    cases,
    runtime,
    timeScale,
  }
  return conformPatterns(patterns, [...runtimes.values()], { ...how, ...(logs !== undefined && { logs }) })
}

interface Conformed {
  readonly conformances: readonly Conformance[]
  readonly leftBehind: readonly string[]
}

/** A service at an address. One that is started here is a run of ours: nothing of it is left afterwards. */
async function conformService(address: string, asked: Asked, view: View): Promise<Conformed> {
  const { start, restart, logs } = asked.options
  const url = baseOf(address)
  if (start !== undefined && restart !== undefined)
    throw new UsageError('--start kills what it started, and --restart does it in your way: only one of them')
  const by = restart === undefined ? undefined : restartBy(restart, url, view.signal)
  if (start === undefined) return { conformances: [await conformAddress(url, asked, view, by)], leftBehind: [] }
  const conformances: Conformance[] = []
  const leftBehind = await supervise([], async (temp) => {
    await using service = await startService(start, {
      url,
      logFile: join(logs ?? temp, 'service.log'),
      signal: view.signal,
    })
    conformances.push(await conformAddress(url, asked, view, service.restart))
  })
  return { conformances, leftBehind }
}

/** The address without the slash at its end. Throws UsageError for one that says more than where the API is. */
function baseOf(address: string): string {
  if (!URL.canParse(address)) throw new UsageError(`"${address}" is no address`)
  const { origin, pathname, search, hash, username, password } = new URL(address)
  if (username + password !== '') throw new UsageError('an address holds no user and no password: see OUTLAST_TOKEN')
  if (search + hash !== '') throw new UsageError(`an address ends with the path of the API; "${search}${hash}" is more`)
  return origin + pathname.replace(/\/+$/, '')
}

async function conformAddress(
  url: string,
  { cases, options }: Asked,
  view: View,
  restart?: Restart,
): Promise<Conformance> {
  const { OUTLAST_TOKEN: token, OUTLAST_PRINCIPAL: principal, OUTLAST_WEBHOOK_SECRET: secret } = process.env
  const { type, timeScale = 1, forgetful = false } = options
  const input = options.input === undefined ? undefined : await readInput(options.input)
  const hint = token === undefined ? '; OUTLAST_TOKEN is not set' : ''
  const remote = { url, token, principal, secret, timeScale, type, input, restart, forgetful, signal: view.signal }
  try {
    await using service = await openRemote(remote)
    view.onStart(url)
    return { pattern: url, cases: await runCases(cases, service.target, { onResult: view.onResult }) }
  } catch (error) {
    view.signal.throwIfAborted()
    const isAnswered = error instanceof Breach || error instanceof Undecided
    if (!isAnswered || error instanceof Refused || error instanceof Unreached)
      throw new UsageError(`${url} cannot be held against the contract: ${describeError(error)}${hint}`)
    const result = unstarted(error, evidenceOf(error, { token }))
    view.onStart(url)
    view.onResult(result)
    return { pattern: url, cases: [result] }
  }
}

async function readInput(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readText(file)) as unknown
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError(`${file}: ${describeError(error)}`)
  }
}

/** Of all patterns, those that cannot be started here are left out and said so. */
function exitCodeFor(conformances: readonly Conformance[], tolerant: boolean): ExitCode {
  const results = conformances.flatMap(({ cases }) => cases)
  const counted = tolerant ? results.filter((one) => one.case !== 'start' || one.outcome === 'fail') : results
  // A case that is defect has judged nothing, and the others are no whole verdict.
  if (counted.some(({ outcome }) => outcome === 'error')) return exitCodes.invalid
  if (counted.some(({ outcome }) => outcome === 'fail')) return exitCodes.fail
  const settled = counted.some(({ outcome }) => outcome === 'pass')
  return settled && !counted.some(({ outcome }) => outcome === 'undecided') ? exitCodes.pass : exitCodes.inconclusive
}
