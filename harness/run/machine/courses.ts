import type { Course, MachineHealth, ProcessDelay, Spell } from '../../model/machine.ts'
import { readCpuTimes, readPressureUs, readSwappedPages } from '../../os/proc.ts'
import { roundMs, roundTo } from '../../core/numbers.ts'

type Shared = Pick<
  MachineHealth,
  'cpuPressure' | 'memoryPressure' | 'ioPressure' | 'steal' | 'others' | 'own' | 'swappedPages'
>

/** What the kernel counts for the whole machine, followed. */
export interface MachineCourses {
  /** @param ranMs processor time of the run's own processes since the reading before */
  read(at: number, ranMs: number): void
  /** What the kernel does not count here is absent. */
  health(): Shared
}

export function followMachine(cores: number): MachineCourses {
  const [cpu, memory, io, steal, others, own] = Array.from({ length: 6 }, trackCourse) as Tuple<CourseTracker, 6>
  const swappedBefore = readSwappedPages()
  let ownMs = 0
  return {
    read(at, ranMs) {
      ownMs += ranMs
      own.add(at, ownMs / cores)
      addPressure(cpu, at, 'cpu')
      addPressure(memory, at, 'memory')
      addPressure(io, at, 'io')
      const times = readCpuTimes()
      if (!times) return
      steal.add(at, times.stolenMs / cores)
      others.add(at, (times.busyMs - ownMs) / cores)
    },
    health() {
      const swapped = readSwappedPages()
      return {
        ...named('cpuPressure', cpu),
        ...named('memoryPressure', memory),
        ...named('ioPressure', io),
        ...named('steal', steal),
        ...named('others', others),
        ...named('own', own),
        ...(swapped !== undefined && { swappedPages: swapped - (swappedBefore ?? swapped) }),
      }
    },
  }
}

type Tuple<T, N extends number, R extends T[] = []> = R['length'] extends N ? R : Tuple<T, N, [...R, T]>

function addPressure(course: CourseTracker, at: number, resource: 'cpu' | 'memory' | 'io'): void {
  const totalUs = readPressureUs(resource)
  if (totalUs !== undefined) course.add(at, totalUs / 1000)
}

function named(name: keyof Shared, tracker: CourseTracker): Shared {
  const course = tracker.course()
  return course ? { [name]: course } : {}
}

/** A share of time, followed while it happens. */
export interface CourseTracker {
  /** @param total what has come together since some moment, in milliseconds; never less than before */
  add(at: number, totalMs: number): void
  /** Undefined before two readings. */
  course(): Course | undefined
}

const windowMs = 10_000

/** Mean and worst ten seconds of a count that grows by at most a millisecond per millisecond. */
export function trackCourse(): CourseTracker {
  const readings: { readonly at: number; readonly totalMs: number }[] = []
  let first: { readonly at: number; readonly totalMs: number } | undefined
  let worst: Pick<Course, 'worst' | 'at'> | undefined
  return {
    add(at, totalMs) {
      first ??= { at, totalMs }
      readings.push({ at, totalMs })
      while (readings.length > 2 && at - readings[1]!.at >= windowMs) readings.shift()
      const from = readings[0]!
      if (at - from.at < windowMs) return
      const share = shareOf(from, { at, totalMs })
      if (!worst || share > worst.worst) worst = { worst: share, at: Math.round(from.at) }
    },
    course() {
      const last = readings.at(-1)
      if (!first || !last || last.at <= first.at) return undefined
      const mean = shareOf(first, last)
      return { mean, ...(worst ?? { worst: mean, at: Math.round(first.at) }) }
    },
  }
}

/** The kernel brings its counts up to date now and then, so that a window may seem to hold more than its length. */
function shareOf(from: { at: number; totalMs: number }, to: { at: number; totalMs: number }): number {
  return roundTo(Math.min(1, Math.max(0, to.totalMs - from.totalMs) / (to.at - from.at)), 4)
}

/** How much of its time a process waited, followed while it happens. */
export interface DelayTracker {
  /** It waited so much of the `ms` that began at `at`. */
  add(at: number, ms: number, waitedMs: number): void
  delay(name: string): ProcessDelay
}

const keptAtMost = 50
/** Below this share of their time spells are not worth a line. */
const worthShare = 0.25

/** Mean, and the worst spells that are at least `windowMs` long. */
export function trackDelay(windowMs: number): DelayTracker {
  let window: Spell[] = []
  let spells: Spell[] = []
  let total = { ms: 0, waitedMs: 0 }
  return {
    add(at, ms, waitedMs) {
      const waited = Math.min(waitedMs, ms)
      total = { ms: total.ms + ms, waitedMs: total.waitedMs + waited }
      window.push({ at, ms, waitedMs: waited })
      while (window.length > 1 && lengthOf(window.slice(1)) >= windowMs) window = window.slice(1)
      const spell = joined(window)
      if (spell.ms >= windowMs && spell.waitedMs > worthShare * spell.ms) spells = keep(spells, spell)
    },
    delay: (name) => ({
      name,
      mean: total.ms > 0 ? roundTo(total.waitedMs / total.ms, 3) : 0,
      worst: spells
        .toSorted(byShare)
        .map(({ at, ms, waitedMs }) => ({ at: roundMs(at), ms: roundMs(ms), waitedMs: roundMs(waitedMs) })),
    }),
  }
}

/** Of spells that overlap the worse one stays. */
function keep(spells: readonly Spell[], spell: Spell): Spell[] {
  const last = spells.at(-1)
  if (last && last.at + last.ms > spell.at)
    return byShare(last, spell) <= 0 ? [...spells] : [...spells.slice(0, -1), spell]
  const all = [...spells, spell]
  if (all.length <= keptAtMost) return all
  const least = all.toSorted(byShare).at(-1)
  return all.filter((one) => one !== least)
}

function byShare(a: Spell, b: Spell): number {
  return b.waitedMs / b.ms - a.waitedMs / a.ms
}

function joined(parts: readonly Spell[]): Spell {
  return { at: parts[0]!.at, ms: lengthOf(parts), waitedMs: parts.reduce((sum, { waitedMs }) => sum + waitedMs, 0) }
}

function lengthOf(parts: readonly Spell[]): number {
  return parts.reduce((sum, { ms }) => sum + ms, 0)
}
