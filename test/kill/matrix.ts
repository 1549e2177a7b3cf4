import type { Rng } from '../../harness/core/rng.ts'

/** The life of a run, in order. */
export const phases = ['start', 'initdb', 'verification', 'deploy', 'arm', 'active', 'heal', 'drain', 'report'] as const
export type Phase = (typeof phases)[number]

export const signals = ['SIGKILL', 'SIGINT', 'SIGTERM', 'SIGHUP'] as const
export type Signal = (typeof signals)[number]

/** The process that a user starts hands over to the pinned Node, where it is not that; the reaper outlives both. */
export const parts = ['wrapper', 'harness', 'reaper'] as const
export type Part = (typeof parts)[number]

/** Every choice of one to three of them. */
export const targets: readonly (readonly Part[])[] = [1, 2, 3, 4, 5, 6, 7].map((bits) =>
  parts.filter((_, i) => (bits >> i) & 1),
)

export interface Kill {
  readonly runtime: 'process' | 'docker'
  readonly phase: Phase
  readonly signal: Signal
  readonly targets: readonly Part[]
  /** Of 1: how far into the phase. */
  readonly into: number
  readonly pattern: string
  readonly seed: number
}

interface Wanted {
  readonly runtime: Kill['runtime']
  readonly count: number
  readonly patterns: readonly string[]
  /** This phase alone. */
  readonly only?: string
}

/** Whether nobody is left to clean up: then that is up to `outlast clean`. */
export function needsClean({ signal, targets }: Pick<Kill, 'signal' | 'targets'>): boolean {
  return signal === 'SIGKILL' && targets.includes('reaper') && targets.length > 1
}

/**
 * So many kills. Whole rounds through the matrix come first, in random order; what is left over is spread over it. Kills after
 * which nobody cleans up come last: `outlast clean` would help the others.
 */
export function drawKills({ runtime, count, patterns, only }: Wanted, rng: Rng): readonly Kill[] {
  const all = phases
    .filter((phase) => (runtime === 'process' || phase !== 'initdb') && (only ?? phase) === phase)
    .flatMap((phase) => signals.flatMap((signal) => targets.map((some) => ({ phase, signal, targets: some }))))
  if (all.length === 0) throw new Error(`there is no phase ${only}; phases: ${phases.join(', ')}`)
  const drawn: (typeof all)[number][] = []
  while (drawn.length < count) drawn.push(...shuffle(all, rng).slice(0, count - drawn.length))
  return drawn
    .map((kill) => ({
      ...kill,
      runtime,
      into: rng.next(),
      pattern: kill.phase === 'initdb' ? 'durable-postgres' : patterns[Math.floor(rng.next() * patterns.length)]!,
      seed: Math.floor(rng.next() * 1e6),
    }))
    .toSorted((a, b) => Number(needsClean(a)) - Number(needsClean(b)))
}

function shuffle<T>(values: readonly T[], rng: Rng): readonly T[] {
  return values
    .map((value) => [rng.next(), value] as const)
    .toSorted(([a], [b]) => a - b)
    .map(([, value]) => value)
}
