import { drawUniform } from '../core/rng.ts'
import { roundMs } from '../core/numbers.ts'
import { attempts, controlKinds, type ControlProbe } from '../model/control.ts'
import type { WorkProfile } from '../scenario/catalog.ts'
import type { Scenario } from '../scenario/scenario.ts'

/** A probe is controlled in this part of its work: late enough to be at it, early enough to have costly steps left. */
const [earliest, latest] = [0.1, 0.7]

/** A rogue agent has no end to count from: it is cancelled when its sub-tasks, and theirs, are at work, in task-world milliseconds. */
function rogueMs(drawn: number): number {
  return 60_000 + 120_000 * drawn
}

/** The controlled tasks of a cell, the same for every pattern of a block and for every arm. In real milliseconds. */
export function drawProbes(
  { control, load, timeScale }: Pick<Scenario, 'control' | 'load' | 'timeScale'>,
  seed: number,
  { idealMs, calls = [] }: Pick<WorkProfile, 'idealMs' | 'calls'>,
): readonly ControlProbe[] {
  if (!control) return []
  const windowMs = ((load.tasks / load.ratePerSec) * 1000) / timeScale
  return controlKinds.flatMap((kind) =>
    Array.from({ length: control[kind] }, (_, i): ControlProbe => {
      const draw = (what: string): number => drawUniform(seed, 'control', kind, i, what)
      const part = earliest + (latest - earliest) * draw('after')
      return {
        key: `c-${kind}-${i + 1}`,
        kind,
        seed: Math.floor(draw('seed') * 2 ** 31),
        ...(kind === 'permission' && permissionOf(i, calls, draw('tool'))),
        // One in each equal part of the load: that all of them meet the same fault would be luck.
        atMs: roundMs(((i + draw('at')) / control[kind]) * windowMs),
        afterMs: roundMs((kind === 'rogue' ? rogueMs(draw('after')) : part * idealMs) / timeScale),
      }
    }),
  )
}

/** Every other one is a task at work, which faults may hit; the rest try the other ways in turn. */
function permissionOf(
  i: number,
  calls: readonly string[],
  drawn: number,
): Pick<ControlProbe, 'attempt' | 'calls' | 'tools'> {
  const [atWork, ...others] = attempts
  const attempt = i % 2 === 0 ? atWork : others[((i - 1) / 2) % others.length]!
  return { attempt, calls, tools: toolsBut(calls, drawn) }
}

/** The tools that are called, but one. It is not that of the first step, unless there is no other: something must work. */
function toolsBut(calls: readonly string[], drawn: number): readonly string[] {
  const [first, ...others] = new Set(calls)
  const lacking = others[Math.floor(drawn * others.length)] ?? first
  return [...new Set(calls)].filter((tool) => tool !== lacking)
}
