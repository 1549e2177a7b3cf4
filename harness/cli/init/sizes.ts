import type { Service } from './answers.ts'
import { formatDuration } from '../../scenario/units.ts'

/** How large a first study is. Texts of the scenario, in the task's own time. */
export interface Sizes {
  readonly timeScale: number
  readonly tasks: number
  readonly rate: string
  readonly grace: string
  /** When faults begin. */
  readonly at: readonly string[]
  readonly for: string
}

/** Real time: both arms together are about a minute, where a task takes a few seconds. */
const [loadMs, recoveryMs, faultMs] = [15_000, 10_000, 1_000]
/** So many are under way when a fault comes. */
const inFlight = 5
const tasks = { least: 30, most: 300 }
/** A task that a fault hit is done again before the next fault, or there is one fault alone. The last leaves time to show life. */
const longestOfThreeMs = 2_500

/** Where a service can be told that time is compressed, a task takes about so long in real time. */
const compressedMs = 2_000
const mostScale = 60

export function sizesFor({ takesMs, ...service }: Pick<Service, 'takesMs' | 'program' | 'env' | 'input'>): Sizes {
  const timeScale = knowsScale(service) ? Math.min(mostScale, Math.max(1, Math.round(takesMs / compressedMs))) : 1
  const realMs = takesMs / timeScale
  const count = Math.min(tasks.most, Math.max(tasks.least, Math.ceil((inFlight * loadMs) / realMs)))
  const at = realMs <= longestOfThreeMs ? [0.2, 0.45, 0.7] : [0.5]
  const scaled = (ms: number): string => formatDuration(roundMs(ms * timeScale))
  return {
    timeScale,
    tasks: count,
    rate: rateOf(count / ((loadMs * timeScale) / 60_000)),
    grace: scaled(realMs + recoveryMs),
    at: at.map((part) => scaled(part * loadMs)),
    for: scaled(faultMs),
  }
}

function knowsScale(service: Pick<Service, 'program' | 'env' | 'input'>): boolean {
  return JSON.stringify(service).includes('{timeScale}')
}

function roundMs(ms: number): number {
  return ms < 1000 ? Math.ceil(ms) : Math.ceil(ms / 1000) * 1000
}

function rateOf(perMinute: number): string {
  return perMinute >= 10 ? `${Math.round(perMinute)}/min` : `${Math.max(1, Math.round(perMinute * 60))}/h`
}
