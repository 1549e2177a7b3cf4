import type { Course, MachineHealth, MachineLimits } from '../harness/model/machine.ts'
import type { CellResult, RunResults } from '../harness/model/results.ts'
import { graceWarnings } from '../harness/model/plan-remarks.ts'
import { targetWarnings } from '../harness/model/target-remarks.ts'
import { duration, percent, plural } from './numbers.ts'
import { tooSmall } from './arm-groups.ts'
import { armsBeyondPlan, windowNotes } from './windows.ts'

/** When not to trust the numbers of this run: one sentence each, what weighs most first. Empty is good news. */
export function caveatsOf(results: RunResults): readonly string[] {
  return [
    ...(results.record ?? []),
    ...unverified(results),
    ...invalidCells(results.cells),
    ...unprovenFaults(results.cells),
    ...partlyDone(results.cells),
    ...untouchedCells(results.cells),
    ...withOtherReplicas(results.cells),
    ...smallCells(results.cells),
    ...sharedFaultsNote(results.cells),
    ...windowNotes(results),
    ...compressionNote(results),
    ...soonerThanSaid(results.cells),
    ...targetWarnings(results.plan),
    ...foreignCallbacks(results.cells),
    ...untoldAttempts(results.cells),
    ...graceNotes(results.cells),
    ...flooredNotes(results.cells),
    ...unmeasuredHealth(results.cells),
    ...unwatchedMachine(results.cells),
    ...uncontrolled(results.cells),
    ...results.environment.deviations.map((sentence) => `${sentence[0]?.toUpperCase()}${sentence.slice(1)}.`),
  ]
}

/** Of work that is not outlast's own only its owner knows how long it takes: all overheads are counted from that. */
function soonerThanSaid(cells: readonly CellResult[]): readonly string[] {
  const own = Map.groupBy(
    cells.filter(({ cell }) => cell.ownWork),
    ({ cell }) => cell.pattern,
  )
  return [...own].flatMap(([pattern, ofPattern]) => {
    const seen = ofPattern.flatMap(({ tasks }) => tasks.filter(({ outcome }) => outcome === 'ok'))
    const early = seen.flatMap(({ seenAt = Infinity, intendedAt, idealMs }) =>
      seenAt < intendedAt + idealMs ? [intendedAt + idealMs - seenAt] : [],
    )
    if (early.length === 0) return []
    const by = duration(Math.max(...early))
    return [
      `${pattern} takes less time than its scenario says: ${early.length} of ${plural(seen.length, 'result')} came too soon, by ${by} at most. Its overhead is not to be quoted; write a shorter takes.`,
    ]
  })
}

/** What an outage cut left no effect, and what came after it looks like the first execution. */
function untoldAttempts(cells: readonly CellResult[]): readonly string[] {
  const untold = new Set(cells.filter(({ attemptsUntold }) => attemptsUntold).map(({ cell }) => cell.pattern))
  return [...untold].map((pattern) => {
    return `Effects of ${pattern} do not show that work was begun anew (no attempt is numbered so): whom its outages cut, who went on, and takeover are not told.`
  })
}

/** A service that runs already may still owe them to an earlier run, whose address a later one has got. */
function foreignCallbacks(cells: readonly CellResult[]): readonly string[] {
  const came = cells.flatMap(({ cell, checks }) => {
    const { foreignCallbacks: many = 0 } = checks.find(({ checker }) => checker === 'no-phantom')?.counts ?? {}
    return many > 0 ? [`${cell.id} (${many})`] : []
  })
  return came.length === 0 ? [] : [`Callbacks for work of another run came, and were refused, in ${list(came)}.`]
}

/** At most this many names in one sentence. */
const namedAtMost = 4

function list(names: readonly string[]): string {
  const more = names.length > namedAtMost ? `, and ${names.length - namedAtMost} more` : ''
  return names.slice(0, namedAtMost).join(', ') + more
}

function unverified({ verification }: RunResults): readonly string[] {
  if (!verification) return ['The patterns were not held against the task contract before they were measured.']
  const unsure = verification.patterns.flatMap(({ pattern, cases }) => {
    const one = cases.find(({ outcome }) => outcome === 'undecided')
    return one ? [`${pattern} (${one.case}: ${one.reason})`] : []
  })
  return unsure.length === 0 ? [] : [`It could not be told whether the contract is kept by ${list(unsure)}.`]
}

function invalidCells(cells: readonly CellResult[]): readonly string[] {
  const invalid = cells.filter(({ verdict }) => verdict === 'INVALID').map(({ cell }) => cell.id)
  if (invalid.length === 0) return []
  const which =
    invalid.length === cells.length ? 'All cells are' : `${invalid.length} of ${plural(cells.length, 'cell')} are`
  return [`${which} invalid and say nothing about their patterns: ${list(invalid)}.`]
}

function unprovenFaults(cells: readonly CellResult[]): readonly string[] {
  const unproven = cells.flatMap(({ cell, faults }) =>
    faults
      .filter(({ proven, state }) => !proven && state !== 'skipped' && state !== 'partly')
      .map(({ id, state }) => `${id} in ${cell.id} (${state})`),
  )
  return unproven.length === 0 ? [] : [`Not proven, so perhaps nothing was broken: ${list(unproven)}.`]
}

/** What was done in part did break something: neither the plan nor its absence. */
function partlyDone(cells: readonly CellResult[]): readonly string[] {
  const partly = cells.flatMap(({ cell, faults }) =>
    faults
      .filter(({ state }) => state === 'partly')
      .map(({ id, reason }) => `${id} in ${cell.id} (${reason ?? 'in part'})`),
  )
  return partly.length === 0
    ? []
    : [`Carried out in part only, so what was harmed is not what was planned: ${list(partly)}.`]
}

function untouchedCells(cells: readonly CellResult[]): readonly string[] {
  const spared = cells.flatMap(({ cell }) =>
    // An arm may harm each pattern at another place: who got its share was not spared.
    (cell.untouchedBy ?? [])
      .filter(({ fault: id }) => !cell.faults.some(({ fault }) => id.replace(/-\d+$/, '') === fault))
      .map(({ fault }) => `${cell.id} by ${fault}`),
  )
  if (spared.length === 0) return []
  return [`A fault of the arm cannot touch some patterns, which compare well for that reason: ${list(spared)}.`]
}

/** An engine may fix the number of its executors, or execute in the API. */
function withOtherReplicas(cells: readonly CellResult[]): readonly string[] {
  const others = cells.filter(
    ({ cell: { executors, replicas } }) => executors !== undefined && executors !== replicas.executor,
  )
  const told = others.map(({ cell }) => `${cell.pattern} (${cell.executors} instead of ${cell.replicas.executor})`)
  if (told.length === 0) return []
  const alone = others.some(({ cell }) => cell.executors === 1)
    ? ' Where there is one, nobody can take over from it.'
    : ''
  return [`Not all patterns have as many executors as the scenario gives: ${list([...new Set(told)])}.${alone}`]
}

function smallCells(cells: readonly CellResult[]): readonly string[] {
  const small = cells
    .filter(({ success }) => tooSmall(success))
    .map(({ cell, success }) => `${cell.id} (${tooSmall(success)})`)
  return small.length === 0 ? [] : [`Too small to settle anything: ${list(small)}.`]
}

function sharedFaultsNote(cells: readonly CellResult[]): readonly string[] {
  const shared = cells.filter(({ success }) => success.faults !== undefined)
  const without = shared.filter(({ success }) => !success.interval).map(({ cell }) => cell.id)
  if (shared.length === 0) return []
  return [
    'Where one fault hits many tasks at once, tasks are not independent: those intervals are over faults, and wider.',
    ...(without.length > 0 ? [`Too few faults for an interval: ${list(without)}.`] : []),
  ]
}

function compressionNote({ plan, cells }: RunResults): readonly string[] {
  if (plan.timeScale === 1) return []
  const beyond = armsBeyondPlan(cells)
  const success =
    beyond.length === 0
      ? 'Success and re-executed work carry over to full length; overhead and recovery in milliseconds do not and must not be quoted.'
      : `Outages under ${list(beyond)} were not those planned, by more than a factor of 2: success and re-executed work under them do not carry over to full length. Overhead and recovery in milliseconds never do and must not be quoted.`
  return [`Time is compressed ${plan.timeScale} times. ${success}`]
}

/** Late by the scenario's own choice. */
function graceNotes(cells: readonly CellResult[]): readonly string[] {
  const warnings = graceWarnings({ cells: cells.map(({ cell }) => cell) }, duration)
  return warnings.map((sentence) => `${sentence[0]!.toUpperCase()}${sentence.slice(1)}`)
}

/** Timeouts that compression could not divide: what they decide takes longer than in proportion. */
function flooredNotes(cells: readonly CellResult[]): readonly string[] {
  const engines = Map.groupBy(cells, ({ cell }) => `${cell.engine} (${cell.tuning})`)
  return [...engines].flatMap(([engine, [first]]) => {
    const floored = (first!.cell.floored ?? []).map(
      ({ name, wantedMs, ms }) => `${name} ${duration(ms)} instead of ${duration(wantedMs)}`,
    )
    return floored.length === 0
      ? []
      : [`Timeouts of ${engine} stand on floors that do not shrink with time: ${floored.join(', ')}.`]
  })
}

function unmeasuredHealth(cells: readonly CellResult[]): readonly string[] {
  const without = cells.filter(({ health }) => !health).map(({ cell }) => cell.id)
  if (without.length === 0) return []
  return [
    `The harness did not measure itself in ${plural(without.length, 'cell')} (${without.slice(0, 4).join(', ')}).`,
  ]
}

/** Where the kernel reports nothing, starved systems look like slow ones. */
function unwatchedMachine(cells: readonly CellResult[]): readonly string[] {
  const told = cells.flatMap(({ health }) => health?.machine?.unwatched ?? [])
  const silent = cells.filter(({ health }) => health && !health.machine)
  return [
    ...[...new Set(told)].map((why) => `The machine could not be watched here: ${why}.`),
    ...(silent.length > 0
      ? [`Whether the machine starved anybody was not measured: ${list(silent.map(({ cell }) => cell.id))}.`]
      : []),
  ]
}

/** A machine that was sick in one arm only shows in tasks that no fault touched, and only beside a control. */
function uncontrolled(cells: readonly CellResult[]): readonly string[] {
  const controlled = new Set(cells.filter(({ cell }) => cell.faults.length === 0).map(({ cell }) => cell.pattern))
  const alone = cells.filter(({ cell }) => cell.faults.length > 0 && !controlled.has(cell.pattern))
  if (alone.length === 0) return []
  const names = list([...new Set(alone.map(({ cell }) => cell.pattern))])
  return [`Without an arm without faults nothing shows how tasks that no fault touched would have fared: ${names}.`]
}

/** The harness about itself in one cell, against what the scenario allows. */
export function healthFacts({ health, cell }: CellResult): readonly (readonly [string, string, boolean])[] {
  if (!health) return []
  const { pacerLagP99Ms, pacerLagMaxMs, eventLoopDelayP99Ms, notOffered, cpuShare, ledgerGaps } = health
  const limits = cell.health
  return [
    [
      'pacer lag p99',
      `${duration(pacerLagP99Ms)} of ${duration(limits.pacerLagP99Ms)} allowed`,
      pacerLagP99Ms <= limits.pacerLagP99Ms,
    ],
    ['pacer lag max', duration(pacerLagMaxMs), true],
    [
      'event-loop delay p99',
      `${duration(eventLoopDelayP99Ms)} of ${duration(limits.eventLoopDelayP99Ms)} allowed`,
      eventLoopDelayP99Ms <= limits.eventLoopDelayP99Ms,
    ],
    ['tasks not offered', String(notOffered), notOffered === 0],
    ['ledger gaps', String(ledgerGaps), ledgerGaps === 0],
    ['harness CPU', `${percent(cpuShare)} of a core`, true],
    ...machineFacts(health.machine, limits.machine),
  ]
}

type Fact = readonly [string, string, boolean]

function machineFacts(health: MachineHealth | undefined, limits: MachineLimits | undefined): readonly Fact[] {
  if (!health) return []
  const {
    standstill,
    cpuPressure,
    memoryPressure,
    ioPressure,
    steal,
    others,
    own,
    swappedPages,
    processes = [],
  } = health
  const still = `${duration(standstill.ms)}${limits ? ` of ${duration(limits.standstillMs)} allowed` : ''}`
  const most = processes.toSorted((a, b) => b.mean - a.mean)[0]
  const shared: readonly (readonly [string, Course | undefined])[] = [
    ['CPU pressure', cpuPressure],
    ['processors used by the run', own],
    ['processors used by others', others],
    ['steal', steal],
    ['memory pressure', memoryPressure],
    ['disk pressure', ioPressure],
  ]
  return [
    ['longest standstill', still, !limits || standstill.ms <= limits.standstillMs],
    ...(most
      ? [['waited most for a processor', `${most.name}, ${percent(most.mean)} of its time`, true] as const]
      : []),
    ...shared.flatMap(([name, course]): readonly Fact[] =>
      course ? [[name, `${percent(course.mean)}, worst 10 s ${percent(course.worst)}`, true]] : [],
    ),
    ...(swappedPages ? [['pages swapped', String(swappedPages), true] as const] : []),
  ]
}
