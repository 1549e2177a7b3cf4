import type { ControlKind, ControlLimits, ToolRate } from '../model/control.ts'
import type { WorkProfile } from '../scenario/catalog.ts'
import type { Scenario } from '../scenario/scenario.ts'

type Asked = Pick<Scenario, 'control' | 'load' | 'timeScale'>
type Work = Pick<WorkProfile, 'idealMs' | 'steps' | 'credits'>

/** Of all `balance` tasks of a cell, and of those `rate` tasks that share a principal. */
export const [payer, crowd] = ['c-balance', 'c-rate']

/** Half of what the steps of `many` such tasks cost: somebody must be refused. */
export function balanceFor(many: number, { credits = [] }: Pick<Work, 'credits'>): number {
  return Math.floor((many * sum(credits)) / 2)
}

/** What the probes of `rate` are given: their limits, and the work that takes so many calls that the limits are felt. */
export interface RatePlan {
  readonly rates: NonNullable<ControlLimits['toolRates']>
  /** Steps of each task, and the name of work that has them. */
  readonly profile: string
  /** Real milliseconds that the slowest of them takes. */
  readonly lastsMs: number
}

/** Every fourth task has a principal of its own, and feels the rate of a task. The others share one, and feel that of a principal. */
export function isAlone(i: number): boolean {
  return i % 4 === 0
}

/** A step of such a task is over in about so many real milliseconds, so that nothing but the limit slows it down. */
const quickStepMs = 30

/** Seconds that a limit is to be felt for: longer than a crash takes away of one task, and of several that have one limit. */
const [feltByTask, feltByPrincipal] = [8, 12]

/** A bucket gives out twice its rate at once, so that one that is filled again shows. */
const burstSeconds = 2

/**
 * Rates above what the load needs, and well below what these tasks want. Without principals (`isShared` false) all are the
 * operator's, whom a limit would keep from offering its load: then tasks alone have one.
 */
export function planRates(asked: Asked, work: Work, isShared: boolean): RatePlan {
  const many = asked.control!.rate
  const together = Array.from({ length: many }, (_, i) => i).filter((i) => !isAlone(i)).length
  const ofPrincipal = isShared && together > 0 ? Math.max(4, Math.ceil(1.4 * operatorsCalls(asked, work))) : 0
  const needed = Math.ceil(2 * callsOfTask(asked, work))
  const ofTask = Math.max(2, needed, Math.ceil((1.5 * ofPrincipal) / Math.max(1, together)))
  const enough = Math.max(
    (burstSeconds + feltByTask) * ofTask,
    ((burstSeconds + feltByPrincipal) * ofPrincipal) / Math.max(1, together),
  )
  const steps = Math.min(99, Math.ceil(enough))
  const alone = steps / ofTask - burstSeconds
  const inCrowd = ofPrincipal === 0 ? 0 : (together * steps) / ofPrincipal - burstSeconds
  return {
    rates: { task: bucket(ofTask), ...(ofPrincipal > 0 && { principal: bucket(ofPrincipal) }) },
    profile: `work/${steps}/${Math.round(steps * quickStepMs * asked.timeScale)}`,
    lastsMs: Math.ceil(1000 * Math.max(alone, inCrowd)),
  }
}

/** Of the load and of the probes that are the operator's: tool calls a second of real time, while all of them are at work. */
function operatorsCalls({ control, load, timeScale }: Asked, { idealMs, steps }: Work): number {
  const tasks = load.tasks + operators.reduce((all, kind) => all + control![kind], 0)
  const overMs = Math.max(offeredMs({ load, timeScale }), idealMs / timeScale)
  return (1000 * tasks * steps) / overMs
}

/** For how long tasks arrive, in real milliseconds. */
export function offeredMs({ load, timeScale }: Pick<Scenario, 'load' | 'timeScale'>): number {
  return ((load.tasks / load.ratePerSec) * 1000) / timeScale
}

const operators: readonly ControlKind[] = ['cancel', 'steer', 'budget']

function callsOfTask({ timeScale }: Asked, { idealMs, steps }: Work): number {
  return (1000 * steps * timeScale) / idealMs
}

function bucket(perSecond: number): ToolRate {
  return { perSecond, burst: burstSeconds * perSecond }
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0)
}
