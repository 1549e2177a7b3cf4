import {
  comparisonColumns,
  comparisonMeaning,
  comparisonName,
  comparisonTable,
  sideName,
} from '../../../reports/compare.ts'
import { textTable, wrap } from '../../core/text-table.ts'
import { exitCodes, UsageError } from '../../core/errors.ts'
import type { Checker } from '../../model/checker.ts'
import { allVisible } from '../../core/visible.ts'
import { didYouMean } from '../../core/did-you-mean.ts'
import { judgeFolder } from '../../run/judge.ts'
import type { Comparison } from '../../model/judgements.ts'
import type { RunResults } from '../../model/results.ts'
import { circumstanceDifferences, planDifferences, type SideOfRun, sideDifferences } from '../../verdict/comparable.ts'
import { compareAll } from '../../verdict/compare.ts'
import type { CommandFile } from '../command.ts'
import { outputScreen, print, printJson } from '../output.ts'
import { findRun } from '../arguments.ts'

const notes = `
A side is a run, as outlast report takes it, with or without one pattern and arm of it. Where one side names none, it is that
of the other; where neither does, everything is compared that both have. Tasks are matched by repetition and ordinal:
the same seeds, arrivals and faults. Other work or other faults are no comparison: refused with what differs, exit code 3.
Arms that are named differently may differ in their faults: then these are what is compared.
INVALID and INCONCLUSIVE cells are left out, with the reason; exits with 2 where nothing is left, else with 0.

Examples:
  outlast compare runs/20261128T100000Z-smoke-42 latest            the same plan, carried out twice
  outlast compare latest:webhook.kill latest:durable-postgres.kill  two patterns under the same faults
  outlast compare latest:polling.none latest:polling.kill           what a fault costs a pattern
  outlast compare before:polling.kill after --json                  one pattern before and after a change, for programs`

export default {
  name: 'compare',
  summary: 'two runs, or two patterns of one, task by task: what differs, and how sure that is',
  declare(command, { registry, done }) {
    command
      .argument('<first>', 'a run, or RUN:PATTERN.ARM: what the other is held against')
      .argument('<second>', 'the same')
      .option('--json', 'figures, and what differs, as JSON')
      .addHelpText('after', notes)
      .action(async (first: string, second: string, { json = false }: { json?: boolean }) => {
        const pairs = await openSides(first, second, await registry.checkers())
        const comparisons = compareAll(
          pairs.map(([a, b]) => ({
            first: a.side,
            second: b.side,
            cells: { first: a.results.cells, second: b.results.cells },
          })),
        )
        const differs = differencesOf(pairs)
        if (json) printJson({ version: 1, differs, comparisons })
        else print(show([first, second], allVisible(comparisons), allVisible(differs)))
        done(comparisons.some(({ success }) => success) ? exitCodes.pass : exitCodes.inconclusive)
      })
  },
} satisfies CommandFile

type Checkers = readonly Checker[]

type SidePair = readonly [first: SideOfRun, second: SideOfRun]

async function openSides(first: string, second: string, checkers: Checkers): Promise<readonly SidePair[]> {
  const names = [splitName(first), splitName(second)]
  const [a, b] = await openRuns(
    names.map(({ run }) => run),
    checkers,
  )
  const chosen = names.map(({ cell }) => cell)
  const keys = chosen.some((cell) => cell !== undefined)
    ? [[chosen[0] ?? chosen[1]!, chosen[1] ?? chosen[0]!] as const]
    : commonCells(a!, b!).map((key) => [key, key] as const)
  const pairs = keys.map(([one, other]): SidePair => [sideOf(a!, b!, one), sideOf(b!, a!, other)])
  refuseOthers(pairs)
  return pairs
}

interface Name {
  readonly run: string
  readonly cell?: string
}

function splitName(name: string): Name {
  const at = name.lastIndexOf(':')
  return at <= 0 ? { run: name } : { run: name.slice(0, at), cell: name.slice(at + 1) }
}

/** One that is named twice is judged once. */
async function openRuns(names: readonly string[], checkers: Checkers): Promise<readonly RunResults[]> {
  const folders = await Promise.all(names.map(findRun))
  const judged = new Map<string, Promise<RunResults>>()
  for (const folder of folders) if (!judged.has(folder.path)) judged.set(folder.path, judgeFolder(folder, checkers))
  return Promise.all(folders.map(({ path }) => judged.get(path)!))
}

function cellsOf({ plan }: RunResults): readonly string[] {
  return [...new Set(plan.cells.map(({ pattern, arm }) => `${pattern}.${arm}`))]
}

function commonCells(a: RunResults, b: RunResults): readonly string[] {
  const there = new Set(cellsOf(b))
  const common = cellsOf(a).filter((key) => there.has(key))
  if (common.length > 0) return common
  throw new UsageError(`${a.run} and ${b.run} have no pattern under the same arm; name both: RUN:PATTERN.ARM`)
}

function sideOf(results: RunResults, other: RunResults, key: string): SideOfRun {
  const cell = results.plan.cells.find(({ pattern, arm }) => `${pattern}.${arm}` === key)
  const known = cellsOf(results)
  if (!cell) throw new UsageError(`${results.run} has no "${key}"${didYouMean(key, known)}; it has ${known.join(', ')}`)
  const { pattern, arm } = cell
  return { results, side: { ...(results !== other && { run: results.run }), pattern, arm } }
}

/** All problems at once, for every pair. */
function refuseOthers(pairs: readonly SidePair[]): void {
  const found = pairs.flatMap(([a, b]) => planDifferences(a, b).map((what) => ({ what, a: a.side, b: b.side })))
  const problems = [...Map.groupBy(found, ({ what }) => what)].map(([what, [one, ...more]]) => {
    const others = more.length > 0 ? ` (and so ${more.length} more)` : ''
    return `${sideName(one!.a)} and ${sideName(one!.b)} are no comparison: ${what}${others}`
  })
  if (problems.length > 0) throw new UsageError(problems)
}

/** Each difference once: that of runs, and that of what was named. */
function differencesOf(pairs: readonly SidePair[]): readonly string[] {
  return [
    ...new Set(pairs.flatMap(([a, b]) => [...sideDifferences(a, b), ...circumstanceDifferences(a.results, b.results)])),
  ]
}

function show(
  [first, second]: readonly [string, string],
  comparisons: readonly Comparison[],
  differs: readonly string[],
): string {
  const screen = outputScreen()
  const { heads, rows, notes: left } = comparisonTable(comparisons)
  const basis = comparisons.flatMap((one) => (one.success ? [`${comparisonName(one)}: ${one.success.basis}`] : []))
  const lines = [
    `the first:  ${first}`,
    `the second: ${second}, whose figures are shown against the first's`,
    ...(rows.length > 0 ? [textTable(comparisonColumns(heads), rows, screen), comparisonMeaning] : []),
    ...left,
    ...(basis.length > 0 ? ['One observation is a pair of tasks, or all pairs that share a fault:'] : []),
    ...basis.map((line) => `  ${line}`),
    differs.length > 0 ? 'What differs beside the figures:' : 'Nothing differs in plan and environment.',
    ...differs.map((line) => `  - ${line}`),
  ]
  return lines.map((line) => (line.includes('\n') ? line : wrap(line, screen.columns, '    '))).join('\n')
}
