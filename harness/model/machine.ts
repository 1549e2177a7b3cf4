/**
 * What the machine did to a cell while its load was offered and until its history was complete, and how much of that is
 * allowed. All shares are of time, 0 to 1; times are milliseconds since the load began.
 */
export interface MachineHealth {
  /** The longest time between two ticks of a clock in the harness that ticks every 100 ms, beyond those, and when it began. */
  readonly standstill: { readonly at: number; readonly ms: number }
  readonly cores: number
  /** Why the kernel does not tell the rest here; absent where it does. */
  readonly unwatched?: string
  /** Processes waited for a processor (`/proc/pressure/cpu`, some). */
  readonly cpuPressure?: Course
  readonly memoryPressure?: Course
  readonly ioPressure?: Course
  /** Of all processors, what the hypervisor gave to others. */
  readonly steal?: Course
  /** Of all processors, what processes used that are not this run's. */
  readonly others?: Course
  /** Of all processors, what the run itself used: all its cells that ran side by side. */
  readonly own?: Course
  /** Pages swapped in and out. */
  readonly swappedPages?: number
  readonly processes?: readonly ProcessDelay[]
}

/** The machine in the two seconds before a run began. */
export interface MachineLook {
  readonly cores: number
  /** Processors that were at work. */
  readonly busy: number
  /** Processes waited for one: a share of the time. */
  readonly pressure?: number
}

/** A share over time: in the mean, and in the worst ten seconds (or the whole, where that is shorter), which began at `at`. */
export interface Course {
  readonly mean: number
  readonly worst: number
  readonly at: number
}

/** How long a process of the run waited for a processor although it had work (`/proc/PID/schedstat`): its most delayed thread. */
export interface ProcessDelay {
  /** A node's name; `harness` for ourselves, the ledger and the links. */
  readonly name: string
  readonly mean: number
  /** The worst spells first, no two of which overlap; only those above a quarter of their time. */
  readonly worst: readonly Spell[]
}

export interface Spell {
  readonly at: number
  readonly ms: number
  readonly waitedMs: number
}

/** Derived from what a cell measures. Beyond these a machine's delay looks like a system's death. */
export interface MachineLimits {
  /** The shortest silence that anybody in the cell takes for death, real milliseconds. */
  readonly silence: { readonly name: string; readonly ms: number }
  readonly standstillMs: number
  /** Of any time as long as the silence, what a process may wait for a processor. */
  readonly delayShare: number
  /** Pressure counts where others than the run use more than `others` of all processors: its own load has its own limit above. */
  readonly cpuPressure: number
  readonly others: number
  readonly steal: number
  readonly memoryPressure: number
}

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
