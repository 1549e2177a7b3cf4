import type { Course, MachineHealth, MachineLimits, ProcessDelay, Spell } from '../model/machine.ts'

/** A time in which a fault acted on a node, which then waits by design. */
export interface Harmed {
  readonly node: string
  readonly from: number
  readonly until: number
}

/** What faults did, so that it is nobody's sickness. */
export interface Harm {
  readonly nodes: readonly Harmed[]
  /** One of them filled memory. */
  readonly memory: boolean
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
    !harm.memory && excess(health.memoryPressure, limits.memoryPressure, 'somebody waited for memory', 'of the time'),
  ].filter((sentence) => typeof sentence === 'string')
}

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
    .map(({ name, worst }) => ({
      name,
      spell: worst.find((spell) => isBeyond(spell, delayShare) && !isHarmed(name, spell, harmed)),
    }))
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

function isBeyond(spell: Spell, limit: number): boolean {
  return shareOf(spell) > limit
}

function isHarmed(name: string, { at, ms }: Spell, harmed: readonly Harmed[]): boolean {
  return harmed.some(({ node, from, until }) => node === name && at < until && at + ms > from)
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
