import { availableParallelism } from 'node:os'
import { monotonicMs } from '../../../patterns/contract/types/timer.ts'
import type { MachineHealth } from '../../model/machine.ts'
import type { CellPlan } from '../../model/plan.ts'
import type { NodeEvent } from '../../model/runtime.ts'
import { followMachine, type DelayTracker, trackDelay } from './courses.ts'
import { untilCalm } from './calm.ts'
import { watchFamily } from './family.ts'

/** Watches the machine while the cells of a block run side by side; disposing ends it. */
export interface MachineWatch extends Disposable {
  node(cell: CellPlan, event: NodeEvent): void
  /** A process has started that may become a node. */
  spare(pid: number): void
  /** Wait for the end of what starting cost, before the load. Never rejects. */
  settle(signal: AbortSignal): Promise<void>
  /** The load begins. What was before does not count: systems that start at once are their own burst. */
  start(epochMs: number): void
  /** What has come together for a cell until now. */
  health(cell: CellPlan): MachineHealth
}

const readEveryMs = 250

export function watchMachine(): MachineWatch {
  const cores = availableParallelism()
  const family = watchFamily()
  const courses = followMachine(cores)
  const standstill = watchStandstill()
  const delays = new Map<CellPlan, Map<string, DelayTracker>>()
  let epochMs = Infinity
  let lastAt: number | undefined
  const read = (): void => {
    const at = monotonicMs() - epochMs
    if (at < 0) return
    const { ranMs, waitedMs } = family.read()
    courses.read(at, ranMs)
    if (lastAt !== undefined && at > lastAt) note(lastAt, at - lastAt, waitedMs)
    lastAt = at
  }
  const note = (at: number, ms: number, waited: ReadonlyMap<string, number>): void => {
    for (const [cell, trackers] of delays)
      for (const [key, waitedMs] of waited) {
        const name = nameIn(cell, key)
        if (name !== undefined) trackerOf(trackers, name, cell).add(at, ms, waitedMs)
      }
  }
  const reader = setInterval(read, readEveryMs)
  return {
    node(cell, { node, state, pid }) {
      if (!delays.has(cell)) delays.set(cell, new Map())
      family.adopt(`${cell.id}/${node}`, state === 'ready' ? pid : undefined)
    },
    spare: (pid) => family.expect(pid),
    settle: (signal) => untilCalm(() => family.read().waitedMs, signal),
    start: (epoch) => {
      epochMs = epoch
      standstill.start(epoch)
    },
    health(cell) {
      read()
      const processes = [...(delays.get(cell) ?? [])].map(([name, tracker]) => tracker.delay(name))
      const { others, own, ...machine } = courses.health()
      const unwatched = whyUnwatched(
        machine,
        processes,
        [...family.unseen].map((key) => nameIn(cell, key)),
      )
      return {
        standstill: standstill.longest(),
        cores,
        ...machine,
        // Nodes that cannot be seen would count among them.
        ...(family.unseen.size === 0 && { ...(others && { others }), ...(own && { own }) }),
        ...(processes.length > 0 && { processes }),
        ...(unwatched && { unwatched }),
      }
    },
    [Symbol.dispose]() {
      clearInterval(reader)
      standstill[Symbol.dispose]()
      family[Symbol.dispose]()
    },
  }
}

/** A node by its name in its cell; `harness` serves all cells; nodes of other cells are none of this one's. */
function nameIn({ id }: CellPlan, key: string): string | undefined {
  if (key === 'harness') return key
  return key.startsWith(`${id}/`) ? key.slice(id.length + 1) : undefined
}

function trackerOf(trackers: Map<string, DelayTracker>, name: string, cell: CellPlan): DelayTracker {
  const tracker = trackers.get(name) ?? trackDelay(cell.health.machine?.silence.ms ?? oldSilenceMs)
  trackers.set(name, tracker)
  return tracker
}

/** For plans from before cells had limits of this kind: nothing is judged by it. */
const oldSilenceMs = 1000

function whyUnwatched(
  machine: Pick<MachineHealth, 'cpuPressure' | 'steal'>,
  processes: MachineHealth['processes'] = [],
  unseen: readonly (string | undefined)[],
): string | undefined {
  const missing = [
    !machine.cpuPressure && '/proc/pressure',
    !machine.steal && '/proc/stat',
    processes.length === 0 && '/proc/PID/schedstat',
  ].filter((name) => name !== false)
  const hidden = unseen.filter((name) => name !== undefined)
  if (missing.length > 0) return `there is no ${missing.join(', no ')}`
  return hidden.length > 0 ? `the processes of ${hidden.join(', ')} cannot be seen` : undefined
}

const tickMs = 100

/** The longest standstill of this process's own clock: it was stopped or swapped out, or its machine was. */
export function watchStandstill(): Disposable & {
  start(epochMs: number): void
  longest(): MachineHealth['standstill']
} {
  let epochMs = Infinity
  let last = 0
  let longest = { at: 0, ms: 0 }
  const look = (): void => {
    const now = monotonicMs()
    const from = Math.max(last, epochMs)
    const ms = now - from - tickMs
    if (ms > longest.ms) longest = { at: Math.round(from - epochMs), ms: Math.round(ms) }
    last = now
  }
  const ticker = setInterval(look, tickMs)
  return {
    start: (epoch) => void (epochMs = epoch),
    longest() {
      look()
      return longest
    },
    [Symbol.dispose]: () => clearInterval(ticker),
  }
}
