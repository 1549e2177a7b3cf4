import { takesMemory } from '../analysis/impact.ts'
import { whyUnmeasured } from '../analysis/measurement.ts'
import { type CellTrace, taskEnd, traceOf } from '../analysis/trace.ts'
import { nodesAmong } from '../model/place.ts'
import type { Checker } from '../model/checker.ts'
import type { Course, MachineHealth, MachineLimits, ProcessDelay, Spell } from '../model/machine.ts'

/**
 * The harness did its work. It sent every task on time, and to the system alone. Its event loop stayed responsive. It
 * recorded every task once, those beside the load too, and lost no line of the ledger. And the machine gave the harness and every node their turn.
 * If they did not, the cell says nothing about the system.
 */
const checker: Checker = {
  name: 'harness-healthy',
  summary: 'the harness kept its schedule and its records, and the machine starved nobody',
  invalidates: true,
  check(history) {
    const trace = traceOf(history)
    const starved = [...sickMachine(trace), ...latenesses(trace)]
    const problems = [...strangersMet(trace), ...droppedCallbacks(trace), ...ownRecords(trace), ...starved]
    const counts = { problems: problems.length, tasks: trace.tasks.length }
    const witnesses = [
      ...trace.strangers,
      ...trace.dropped,
      ...trace.extraEnds,
      ...(trace.health ? [trace.health] : []),
    ]
      .map(({ index }) => index)
      .slice(0, 20)
    if (problems.length > 0)
      return {
        status: 'fail',
        summary: [...problems, ...(starved.length > 0 ? [cure] : [])].join('; '),
        counts,
        witnesses,
      }
    if (!trace.complete || !trace.cell)
      return { status: 'unknown', summary: 'the history ends before the cell did', counts, witnesses: [] }
    const lacking = whyUnmeasured(trace)
    if (lacking !== undefined) return { status: 'unknown', summary: lacking, counts, witnesses: [] }
    return { status: 'pass', summary: 'all tasks were sent on time and all records are whole', counts, witnesses: [] }
  },
}
export default checker

/** Whatever a stranger answered, or kept from a node by having its port, was not the system's doing. */
function strangersMet({ strangers: [first, ...more] }: CellTrace): readonly string[] {
  if (!first) return []
  const { place, who } = first.value
  const others = more.length > 0 ? ` (${more.length} more such meetings)` : ''
  return [`${place} was not this system's: ${who}${others}`]
}

/** Without them a task may look lost, or a promise kept. */
function droppedCallbacks({ dropped }: CellTrace): readonly string[] {
  const [first, last] = [dropped[0], dropped.at(-1)]
  if (!first || !last) return []
  const { task, why } = first.value
  const { posts } = last.value
  const many = posts === 1 ? 'a callback' : `${posts} callbacks or more, the first`
  return [`the receiver dropped ${many} of ${task}: ${why}; nobody knows what was said`]
}

function ownRecords(trace: CellTrace): readonly string[] {
  const { cell, complete, tasks, controls, extraEnds, health } = trace
  const { notOffered = 0, ledgerGaps = 0 } = health?.value ?? {}
  const skipped = tasks.filter((task) => taskEnd(task)?.reason === 'not-offered').length
  const problems: string[] = []
  if (skipped > 0) problems.push(`${skipped} of ${tasks.length} tasks were not sent`)
  if (cell && (complete ? tasks.length !== cell.tasks : tasks.length > cell.tasks))
    problems.push(`${tasks.length} tasks were recorded and ${cell.tasks} planned`)
  const silent = [...controls.values()].filter(({ seen }) => seen.length === 0).length
  if (complete && silent > 0) problems.push(`${silent} of ${controls.size} tasks beside the load left no record`)
  if (extraEnds.length > 0) problems.push(`${extraEnds.length} tasks were recorded to end more than once`)
  if (notOffered > 0) problems.push(`${notOffered} tasks were not offered`)
  if (ledgerGaps > 0) problems.push(`${ledgerGaps} effects are missing from the ledger's file`)
  return problems
}

function latenesses({ cell, health }: CellTrace): readonly string[] {
  if (!cell || !health) return []
  const { pacerLagP99Ms, eventLoopDelayP99Ms } = health.value
  const { health: limits } = cell
  return [
    ...beyond('pacer lag', pacerLagP99Ms, limits.pacerLagP99Ms),
    ...beyond('event-loop delay', eventLoopDelayP99Ms, limits.eventLoopDelayP99Ms),
  ]
}

function beyond(what: string, ms: number, limitMs: number): readonly string[] {
  return ms > limitMs ? [`p99 ${what} was ${ms.toFixed(1)} ms, the limit is ${limitMs} ms`] : []
}

/** What the user should change, whatever was starved. */
const cure =
  'end what else runs here, or use a smaller timeScale, fewer patterns at once (sideBySide) or more processors'

function sickMachine({ cell, health, faults, endAt }: CellTrace): readonly string[] {
  const machine = health?.value.machine
  if (!cell || !machine) return []
  const acted = faults.filter(({ armedAt }) => armedAt !== undefined)
  const nodes = acted.flatMap(({ places, armedAt = 0, healedAt = endAt }): readonly Harmed[] =>
    nodesAmong(places).map((node) => ({ node, from: armedAt, until: healedAt })),
  )
  const memory = acted
    .filter(takesMemory)
    .map(({ armedAt = 0, healedAt = endAt }) => ({ from: armedAt, until: healedAt }))
  return sicknessOf(machine, cell.health.machine, { nodes, memory })
}

interface Acted {
  readonly from: number
  readonly until: number
}

/** A time in which a fault acted on a node, which then waits by design. */
interface Harmed extends Acted {
  readonly node: string
}

/** What faults did, so that it is nobody's sickness. */
interface Harm {
  readonly nodes: readonly Harmed[]
  /** When one of them filled memory. */
  readonly memory: readonly Acted[]
}

/**
 * What a machine did to a cell beyond its limits, with the figure and the limit. Empty where it kept them, or where the
 * plan is older than the limits. Pressure alone condemns nobody: a run's own load makes some of it too, and whether
 * that did harm shows in how long its processes waited. Pressure that others make does.
 */
export function sicknessOf(health: MachineHealth, limits: MachineLimits | undefined, harm: Harm): readonly string[] {
  if (!limits) return []
  return [
    crowd(health, limits),
    standstill(health, limits),
    delay(health.processes ?? [], limits, harm.nodes),
    excess(health.steal, limits.steal, 'the hypervisor gave', 'of the processors to others'),
    !isFilled(health.memoryPressure, harm.memory) &&
      excess(health.memoryPressure, limits.memoryPressure, 'somebody waited for memory', 'of the time'),
  ].filter((sentence) => typeof sentence === 'string')
}

/**
 * A fault that fills memory explains what is near it, and no other time of the cell. Its onset is when the kernel kills,
 * and memory was filled before that; what was swapped out comes back after it.
 */
function isFilled(course: Course | undefined, filled: readonly Acted[]): boolean {
  return (
    course !== undefined &&
    filled.some(({ from, until }) => from - worstMs < course.at + worstMs && until + worstMs > course.at)
  )
}

/** The length of what is the worst of a course. */
const worstMs = 10_000

function standstill(
  { standstill: { at, ms } }: MachineHealth,
  { standstillMs, silence }: MachineLimits,
): string | undefined {
  if (ms <= standstillMs) return undefined
  return `the harness stood still for ${seconds(ms)} at ${clock(at)} (${allowed(standstillMs, silence)})`
}

function delay(
  processes: readonly ProcessDelay[],
  { delayShare, silence }: MachineLimits,
  harmed: readonly Harmed[],
): string | undefined {
  const beyond = processes
    .map(({ name, worst }) => {
      const own = harmed.filter(({ node }) => node === name)
      const unexplained = worst.map((spell) => withoutHarm(spell, own))
      return { name, spell: unexplained.find((spell) => isBeyond(spell, delayShare, silence.ms)) }
    })
    .filter((one): one is { name: string; spell: Spell } => one.spell !== undefined)
    .toSorted((a, b) => shareOf(b.spell) - shareOf(a.spell))
  const [first, ...more] = beyond
  if (!first) return undefined
  const { name, spell } = first
  const others = more.length > 0 ? `, and so did ${more.length} more` : ''
  return (
    `${name === 'harness' ? 'the harness' : name} had work and waited ${seconds(spell.waitedMs)} of ${seconds(spell.ms)} for a processor at ` +
    `${clock(spell.at)}${others} (${allowed(delayShare * silence.ms, silence)})`
  )
}

/** What faults left of a spell may be short: it is held against the time that the limit is for, and no less. */
function isBeyond({ ms, waitedMs }: Spell, limit: number, silenceMs: number): boolean {
  return waitedMs > limit * Math.max(ms, silenceMs)
}

/** What faults on the node do not explain: each explains all of its own time, and no more. */
function withoutHarm(spell: Spell, harmed: readonly Harmed[]): Spell {
  const { at, ms, waitedMs } = spell
  let [reached, explainedMs] = [at, 0]
  for (const { from, until } of harmed.toSorted((a, b) => a.from - b.from)) {
    const begin = Math.max(reached, from)
    const end = Math.min(at + ms, until)
    explainedMs += Math.max(0, end - begin)
    reached = Math.max(reached, end)
  }
  return { at, ms: ms - explainedMs, waitedMs: Math.max(0, waitedMs - explainedMs) }
}

function crowd({ cpuPressure, others, cores }: MachineHealth, limits: MachineLimits): string | undefined {
  if (!cpuPressure || !others || cpuPressure.worst <= limits.cpuPressure || others.worst <= limits.others)
    return undefined
  const used = (others.worst * cores).toFixed(1)
  return (
    `others than this run used ${used} of ${cores} processors in the worst ten seconds, from ${clock(others.at)} ` +
    `(limit ${(limits.others * cores).toFixed(1)}), and somebody waited for one ${percent(cpuPressure.worst)} of that time ` +
    `(limit ${percent(limits.cpuPressure)})`
  )
}

function excess(course: Course | undefined, limit: number, what: string, of: string): string | undefined {
  if (!course || course.worst <= limit) return undefined
  return `${what} ${percent(course.worst)} ${of} in the worst ten seconds, from ${clock(course.at)} (limit ${percent(limit)})`
}

function allowed(ms: number, { name, ms: silenceMs }: MachineLimits['silence']): string {
  return `limit ${seconds(ms)} of ${name}, ${seconds(silenceMs)}`
}

function shareOf({ ms, waitedMs }: Spell): number {
  return waitedMs / ms
}

/** `0:12`, since the load began. */
function clock(ms: number): string {
  const whole = Math.floor(Math.max(0, ms) / 1000)
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`
}

function seconds(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}
