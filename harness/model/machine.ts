import { z } from 'zod'
import * as is from './shape.ts'
import { stored, type Stored } from './stored.ts'

/** A share over time: in the mean, and in the worst ten seconds (or the whole, where that is shorter), which began at `at`. */
const course = is.fields({ mean: is.length, worst: is.length, at: is.amount })
export type Course = is.Shaped<typeof course>

const spell = is.fields({ at: is.amount, ms: is.amount, waitedMs: is.amount })
export type Spell = is.Shaped<typeof spell>

/** How long a process of the run waited for a processor although it had work (`/proc/PID/schedstat`): its most delayed thread. */
const processDelay = is.fields({
  /** A node's name; `harness` for ourselves, the ledger and the links. */
  name: is.text,
  mean: is.length,
  /** The worst spells first, no two of which overlap; only those above a quarter of their time. */
  worst: is.listOf(spell),
})
export type ProcessDelay = is.Shaped<typeof processDelay>

/** What the machine did to a cell, and what is allowed: shares of time, and milliseconds since the load began. */
export const machineHealth = is.fields({
  /** The longest time between two ticks of a clock in the harness that ticks every 100 ms, beyond those, and when it began. */
  standstill: is.fields({ at: is.amount, ms: is.length }),
  cores: is.ordinal,
  /** Why the kernel does not tell the rest here; absent where it does. */
  unwatched: is.optional(is.text),
  /** Processes waited for a processor (`/proc/pressure/cpu`, some). */
  cpuPressure: is.optional(course),
  memoryPressure: is.optional(course),
  ioPressure: is.optional(course),
  /** Of all processors, what the hypervisor gave to others. */
  steal: is.optional(course),
  /** Of all processors, what processes used that are not this run's. */
  others: is.optional(course),
  /** Of all processors, what the run itself used: all its cells that ran side by side. */
  own: is.optional(course),
  swappedPages: is.optional(is.amount),
  processes: is.optional(is.listOf(processDelay)),
})
export type MachineHealth = is.Shaped<typeof machineHealth>

/** The machine in the two seconds before a run began. */
export interface MachineLook {
  readonly cores: number
  /** Processors that were at work. */
  readonly busy: number
  /** Processes waited for one: a share of the time. */
  readonly pressure?: number
}

const share = z.number().min(0)

/** Derived from what a cell measures: beyond these a machine's delay is told from a system's death no longer. */
export const machineLimitsSchema = stored({
  /** The shortest silence that anybody in the cell takes for death, real milliseconds. */
  silence: stored({ name: z.string(), ms: z.number() }),
  standstillMs: z.number(),
  /** Of any time as long as the silence, what a process may wait for a processor. */
  delayShare: share,
  /** Pressure counts where others than the run use more than `others` of all processors: its own load has its own limit above. */
  cpuPressure: share,
  others: share,
  steal: share,
  memoryPressure: share,
})
export type MachineLimits = Stored<typeof machineLimitsSchema>

/**
 * A standstill of half of the shortest silence: two peers that stop one after the other are not heard in time. Waiting
 * for a processor during a silence does harm only at its end. A quiet machine with two cores makes nodes wait for 60 %
 * of one at times. Pressure and steal after the usual limits of benchmarks, wider where a cell makes some of it itself.
 */
export function machineLimits(silences: Readonly<Record<string, number>>): MachineLimits | undefined {
  const [shortest] = Object.entries(silences).toSorted(([, a], [, b]) => a - b)
  if (!shortest) return undefined
  const [name, ms] = shortest
  const silence = { name, ms }
  return {
    silence,
    standstillMs: ms / 2,
    delayShare: 0.75,
    cpuPressure: 0.25,
    others: 1 / 3,
    steal: 0.05,
    memoryPressure: 0.1,
  }
}
