import { type Kill, type Part, phases, signals, targets } from './matrix.ts'
import type { Outcome } from './round.ts'
import type { SuiteOutcome } from './suites.ts'

/** `harness and reaper`. */
export function nameTargets(some: readonly Part[]): string {
  return some.join(' and ')
}

export function describe({ runtime, phase, signal, targets, pattern, seed, into }: Kill): string {
  return `${runtime} ${pattern}, ${phase} + ${into.toFixed(2)}, ${signal} of ${nameTargets(targets)}, seed ${seed}`
}

export function hasFailed({ left, unlabelled, crash }: Outcome): boolean {
  return left.length > 0 || unlabelled.length > 0 || crash !== undefined
}

/** The pages of docs/reliability.md that are measured. Markdown. */
export function render(
  outcomes: readonly Outcome[],
  suites: readonly SuiteOutcome[],
  about: { readonly seed: string; readonly date: string; readonly minutes: number },
): string {
  const met = outcomes.filter(({ isMissed }) => !isMissed)
  const of = (runtime: Kill['runtime']) => met.filter(({ kill }) => kill.runtime === runtime)
  const withSomething = met.filter(({ left }) => left.length > 0).length
  return [
    `${about.date}, seed ${about.seed}, ${about.minutes.toFixed(0)} minutes: ${met.length} kills, something was left after ${withSomething} of them.`,
    `Each cell: kills after which something was left, of how many. ${outcomes.length - met.length} more came too late for their phase.`,
    ...(['process', 'docker'] as const).flatMap((runtime) =>
      of(runtime).length > 0 ? section(runtime, of(runtime)) : [],
    ),
    ...(suites.length > 0 ? suiteSection(suites) : []),
  ].join('\n\n')
}

function section(runtime: Kill['runtime'], outcomes: readonly Outcome[]): readonly string[] {
  const bySignal = grid(outcomes, 'phase', signals, (kill, signal) => kill.signal === signal)
  const names = targets.map(nameTargets)
  const byTarget = grid(outcomes, 'phase', names, (kill, name) => nameTargets(kill.targets) === name)
  return [
    `### Runtime ${runtime}`,
    bySignal,
    byTarget,
    [
      `Until nothing was left: ${times(outcomes)}.`,
      `Exit codes: ${counts(outcomes.map(({ ended }) => ended))}.`,
      `Processes without the label: ${outcomes.flatMap(({ unlabelled }) => unlabelled).length}.`,
      `Crashes: ${outcomes.filter(({ crash }) => crash !== undefined).length}.`,
    ].join(' '),
  ]
}

function grid(
  outcomes: readonly Outcome[],
  head: string,
  columns: readonly string[],
  isIn: (kill: Kill, column: string) => boolean,
): string {
  const rows = phases.filter((phase) => outcomes.some(({ kill }) => kill.phase === phase))
  const cell = (some: readonly Outcome[]): string =>
    some.length === 0 ? '-' : `${some.filter(({ left }) => left.length > 0).length} of ${some.length}`
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const within = (phase: string): readonly Outcome[] => outcomes.filter(({ kill }) => kill.phase === phase)
  return [
    line([head, ...columns, 'all']),
    line([':--', ...columns.map(() => '--:'), '--:']),
    ...rows.map((phase) => {
      const some = within(phase)
      return line([phase, ...columns.map((column) => cell(some.filter(({ kill }) => isIn(kill, column)))), cell(some)])
    }),
    line(['all', ...columns.map((column) => cell(outcomes.filter(({ kill }) => isIn(kill, column)))), cell(outcomes)]),
  ].join('\n')
}

function times(outcomes: readonly Outcome[]): string {
  const sorted = outcomes.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b)
  const at = (share: number): string =>
    `${((sorted[Math.floor(share * (sorted.length - 1))] ?? 0) / 1000).toFixed(1)} s`
  return `median ${at(0.5)}, nine of ten ${at(0.9)}, at most ${at(1)}, orderly ends included`
}

function counts(values: readonly string[]): string {
  const groups = [...Map.groupBy(values, (value) => value)].toSorted(([, a], [, b]) => b.length - a.length)
  return groups.map(([value, some]) => `${value} (${some.length})`).join(', ')
}

function suiteSection(suites: readonly SuiteOutcome[]): readonly string[] {
  const rows = suites.map(({ kill, servers, left, tookMs, isMissed }) => {
    const found = isMissed ? 'its servers are not here' : `${left.length} things`
    return `| ${kill.engine} | ${kill.way} | ${servers} | ${found} | ${(tookMs / 1000).toFixed(1)} s |`
  })
  const head = ['| suite of the engine | SIGKILL of | servers then | left | after |', '| :-- | :-- | --: | :-- | --: |']
  return ['### The test suites themselves', [...head, ...rows].join('\n')]
}
