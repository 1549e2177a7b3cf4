import type { HealthLimits } from '../model/plan.ts'
import type { Path, Problem } from './problems.ts'
import { formatDuration } from './units.ts'

/** As a file writes it: real milliseconds. */
interface WrittenHealth {
  readonly pacerLagP99?: number | undefined
  readonly eventLoopDelayP99?: number | undefined
}

/** What the limits derive from, in the task's world as a scenario writes it. */
interface Measured {
  readonly timeScale: number
  readonly graceMs: number
}

/** The parts of a file that this depends on; what is wrong by itself is undefined. */
interface Written {
  readonly health?: WrittenHealth | undefined
  readonly timeScale?: number | undefined
  readonly grace?: number | undefined
}

/** At full length, reports quote milliseconds: the load driver may be this late. */
const atFullLength: HealthLimits = { pacerLagP99Ms: 20, eventLoopDelayP99Ms: 50 }
/** In compressed runs it only counts whether a result comes within the grace. A twentieth of the grace changes little. */
const shareOfGrace = 1 / 20
const derivedMs = { least: 50, most: 500 }
/** Beyond this share of the grace, or beyond this duration, the load driver alone would make tasks late. */
const bearable = { shareOfGrace: 1 / 4, ms: 2_000 }

/** Limits of the harness's own lateness: as written, else derived from what is measured. */
export function healthLimits(written: WrittenHealth | undefined, measured: Measured): HealthLimits {
  const derived = derivedLimits(measured)
  return {
    pacerLagP99Ms: written?.pacerLagP99 ?? derived.pacerLagP99Ms,
    eventLoopDelayP99Ms: written?.eventLoopDelayP99 ?? derived.eventLoopDelayP99Ms,
  }
}

function derivedLimits({ timeScale, graceMs }: Measured): HealthLimits {
  if (timeScale === 1) return atFullLength
  const ms = Math.round(Math.min(derivedMs.most, Math.max(derivedMs.least, (graceMs / timeScale) * shareOfGrace)))
  return { pacerLagP99Ms: ms, eventLoopDelayP99Ms: ms }
}

/** Refuses a limit so high that the measurement is worthless long before the limit is exceeded. */
export function checkHealth({ health: written, timeScale, grace: graceMs }: Written): readonly Problem[] {
  if (!written || timeScale === undefined || graceMs === undefined) return []
  const realMs = graceMs / timeScale
  const mostMs = Math.floor(Math.min(bearable.ms, realMs * bearable.shareOfGrace))
  const why = mostMs < bearable.ms ? `a quarter of the grace, which is ${formatDuration(realMs)} here` : 'at any scale'
  return Object.entries(written).flatMap(([key, ms]) => {
    if (ms === undefined || ms <= mostMs) return []
    const path: Path = ['health', key]
    const message = `${formatDuration(ms)} is no limit: tasks would be late by the driver alone; write at most ${formatDuration(mostMs)} (${why}), or leave it out: it is derived`
    return [{ path, message }]
  })
}
