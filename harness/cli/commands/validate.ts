import { dirname, join } from 'node:path'
import { plural } from '../../../reports/numbers.ts'
import { textTable } from '../../core/text-table.ts'
import { monotonicMs } from '../../../patterns/contract/types/timer.ts'
import { describeError, type ExitCode, exitCodes, UsageError } from '../../core/errors.ts'
import { readRegular } from '../../core/own-file.ts'
import { visibleLine } from '../../core/visible.ts'
import { didYouMean } from '../../core/did-you-mean.ts'
import { readCheckout } from '../../run/checkout.ts'
import { beginSupervised } from '../../cleanup/supervise.ts'
import { collectEnvironment } from '../../store/environment.ts'
import { ensureFolder, writeWhole } from '../../store/whole-file.ts'
import { measuredElsewhere, validityPage, studies, validate } from '../../validate/validate.ts'
import type { Row } from '../../validate/row.ts'
import type { Registry } from '../../registry.ts'
import { listenForInterrupts } from '../exit.ts'
import type { CommandFile } from '../command.ts'
import { outputScreen, print, say, tint } from '../output.ts'
import { parseList, parseSeed } from '../arguments.ts'
import { clockText } from '../../live/run-view.ts'

const notes = `
Every control is a system, a fault or a history that is wrong by an exactly known amount. It goes the way that a pattern
goes: planned, deployed as processes, put under load, recorded, judged. What is reported must be what was done.

Exits with 0 when every row is as expected, 1 when one is not, 4 when this machine was too busy for one to be measured.

Examples:
  outlast validate                      everything, in about twenty minutes
  outlast validate --quick              fewer tasks and faults, in about three minutes
  outlast validate --page v.md          instead of docs/validity.md
  outlast validate --only lost,wrong    some controls, for example while a checker is changed
  outlast validate --without lost       loses nothing: the row must miss, which shows that it can

Controls, and what --without makes of each:
${describeControls()}`

interface Options {
  readonly quick?: boolean
  readonly without?: readonly string[]
  readonly only?: readonly string[]
  readonly seed: number
  readonly page: string
  readonly out?: string
}

export default {
  name: 'validate',
  summary: 'put systems whose truth is known through the real path, and compare what is reported',
  declare(command, { registry, done }) {
    command
      .option('--quick', 'fewer tasks, faults and repetitions')
      .option('--only <a,b>', 'only these controls', parseList)
      .option('--without <a,b>', "switch these controls' effects off", parseList)
      .option('--seed <n>', 'another draw of work and faults', parseSeed, 15)
      .option('--page <file>', 'where a whole validation is written down', 'docs/validity.md')
      .option('-o, --out <folder>', 'keep the folders of the runs there')
      .addHelpText('after', notes)
      .action(async (options: Options) => {
        mustBeControls([...(options.only ?? []), ...(options.without ?? [])])
        const before = await pageBefore(options.page)
        await using place = await openPlace(options.out, registry)
        const { rows, leftBehind } = await carryOut(options, place.path, registry)
        print(tableOf(rows))
        print(summarize(rows))
        if (!options.only && !options.without) await writePage(rows, options, before)
        for (const left of leftBehind) say(tint('red', `left behind: ${visibleLine(left)}`))
        done(leftBehind.length > 0 ? exitCodes.leftBehind : exitCodeOf(rows))
      })
  },
} satisfies CommandFile

function describeControls(): string {
  const all = studies.flatMap(({ controls }) => Object.entries(controls))
  const width = Math.max(...all.map(([name]) => name.length))
  return all.map(([name, off]) => `  ${name.padEnd(width)}  ${off}`).join('\n')
}

function mustBeControls(names: readonly string[]): void {
  const known = studies.flatMap(({ controls }) => Object.keys(controls))
  const problems = names
    .filter((name) => !known.includes(name))
    .map((name) => `there is no control "${name}"${didYouMean(name, known)}; controls: ${known.join(', ')}`)
  if (problems.length > 0) throw new UsageError(problems)
}

/** Runs of controls are removed unless they are asked for. A run around them has a reaper that ends what is left. */
async function openPlace(
  out: string | undefined,
  registry: Registry,
): Promise<AsyncDisposable & { readonly path: string }> {
  const supervised = await beginSupervised([...(await registry.runtimes()).values()])
  return {
    path: out ?? join(supervised.temp, 'runs'),
    async [Symbol.asyncDispose]() {
      for (const left of await supervised.end()) say(tint('red', `left behind: ${visibleLine(left)}`))
    },
  }
}

async function carryOut(
  { quick = false, only, without, seed }: Options,
  out: string,
  registry: Registry,
): Promise<{ readonly rows: readonly Row[]; readonly leftBehind: readonly string[] }> {
  using interrupt = listenForInterrupts()
  const startedAt = monotonicMs()
  const tell = (text: string): void => say(`${clockText(monotonicMs() - startedAt).padStart(5)}  ${text}`)
  const leftBehind: string[] = []
  const rows = await validate({
    quick,
    seed,
    without: new Set(without),
    ...(only && { only: new Set(only) }),
    registry,
    out,
    signal: interrupt.signal,
    onProgress: (progress) => {
      if (progress.kind === 'note') tell(progress.text)
      if (progress.kind === 'run-start')
        tell(`  ${plural(progress.cells, 'cell')}, about ${clockText(progress.plannedMs)}`)
    },
    onLeftBehind: (what) => leftBehind.push(...what),
    onStudy: ({ name, controls }) => tell(`${name}: ${Object.keys(controls).join(', ')}`),
    onRow: (row) => tell(`  ${marks[row.verdict]}  ${row.control}: ${row.got}`),
  })
  return { rows, leftBehind }
}

/** Read before anything is measured: a pipe or a device in its place is refused at once, and not waited for after twenty minutes. */
async function pageBefore(page: string): Promise<string> {
  const bytes = await readRegular(page, { maxBytes: 2 ** 20, follow: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw new UsageError(`--page: ${describeError(error)}`)
  })
  return bytes.toString()
}

/** A part of the controls, or one that is switched off, says nothing about this machine as a whole. */
async function writePage(rows: readonly Row[], { quick = false, seed, page }: Options, before: string): Promise<void> {
  const environment = await collectEnvironment({}, await readCheckout())
  ensureFolder(dirname(page))
  await writeWhole(page, validityPage(rows, { quick, seed, environment }, measuredElsewhere(before)))
  print(`Page     ${page}`)
}

const marks: Readonly<Record<Row['verdict'], string>> = { hit: 'ok', miss: 'MISS', unmeasured: 'not measured' }

function tableOf(rows: readonly Row[]): string {
  const columns = ['control', 'what was done', 'expected', 'got', ''].map((head) => {
    return { head, align: 'left' as const, spare: 0 }
  })
  const cells = rows.map(({ control, what, expected, got, verdict }) => [control, what, expected, got, marks[verdict]])
  return textTable(columns, cells, { ...outputScreen(), columns: Infinity })
}

function summarize(rows: readonly Row[]): string {
  const names = (verdict: Row['verdict']): string =>
    [...new Set(rows.filter((row) => row.verdict === verdict).map(({ control }) => control))].join(', ')
  const [missed, unmeasured] = [names('miss'), names('unmeasured')]
  const parts = [missed && `missed: ${missed}`, unmeasured && `not measured: ${unmeasured}`].filter(Boolean)
  return parts.length > 0 ? parts.join('; ') : `all ${rows.length} rows are as expected`
}

function exitCodeOf(rows: readonly Row[]): ExitCode {
  if (rows.some(({ verdict }) => verdict === 'miss')) return exitCodes.fail
  return rows.some(({ verdict }) => verdict === 'unmeasured') ? exitCodes.invalid : exitCodes.pass
}
