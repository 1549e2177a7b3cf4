import { hash } from 'node:crypto'
import type { TaskInput } from '../contract/types/task.ts'
import { profileOf, profiles, type Profile, type StepKind } from './profiles.ts'

/** What engines need to know of a task's work, whatever it is. */
export interface Plan {
  readonly steps: readonly Step[]
  /** Size of a text that its result carries besides; absent: none. */
  readonly resultBytes?: number
}

export interface Step {
  /** Counts from 1. */
  readonly index: number
  readonly name: string
  /** How long it is expected to take, in real milliseconds: already divided by `timeScale`. */
  readonly durationMs: number
  /** What it costs of the task's budget; absent: nothing. */
  readonly credits?: number
  /** What sub-tasks are asked for that it starts before it begins; absent: there are none. */
  readonly spawns?: readonly TaskInput[]
}

/** All that the simulated agent will do for one input. */
export interface AgentPlan extends Plan {
  readonly profile: string
  readonly seed: number
  readonly steps: readonly AgentStep[]
  /** Duration of a perfect execution: the profile's total divided by `timeScale`. */
  readonly idealMs: number
}

interface AgentStep extends Step {
  readonly kind: StepKind
  readonly credits: number
}

/** What precedes step 1. */
export const emptyDigest = ''

/** What is planned for: the name of the work counts only where it has sub-tasks, as theirs begin with it. */
type Wanted = Pick<TaskInput, 'seed' | 'profile'> & Partial<Pick<TaskInput, 'job'>>

/**
 * The plan of an input: pure, so that client, server and judge agree without talking.
 * Durations vary by seed; their sum only where the profile says so. What the work comes to is not in it: that takes the tool server's answers.
 * Throws RangeError for an unknown profile.
 */
export function planTask(input: Wanted, timeScale: number): AgentPlan {
  const profile = profileOf(input.profile)
  if (!profile) throw new RangeError(`unknown profile "${input.profile}"; known: ${[...profiles.keys()].join(', ')}`)
  const label = `${input.profile}/${input.seed}`
  const totalMs = drawTotal(profile, label)
  const steps = planSteps(profile, label, totalMs, timeScale).map((step) => withSubTasks(step, profile, input))
  const { resultBytes = 0 } = profile
  return { profile: input.profile, seed: input.seed, steps, idealMs: totalMs / timeScale, resultBytes }
}

/** Digest of the right answer: every step done once, in order, and each with the nonce that its effect was answered with. */
export function digestOf(plan: AgentPlan, nonceOf: (step: number) => string): string {
  return plan.steps.reduce((digest, { index }) => stepDigest(digest, plan, index, nonceOf(index)), emptyDigest)
}

/**
 * The value that step `index` returns. It depends on the input, the step, all steps before it, and the nonce that the
 * tool server gives for the step's effect. A step that was lost, repeated or done out of order changes every later
 * digest. So does one whose effect was not recorded.
 */
export function stepDigest(
  previousDigest: string,
  plan: Pick<AgentPlan, 'profile' | 'seed' | 'steps'>,
  index: number,
  nonce: string,
): string {
  const { kind, name } = stepOf(plan, index)
  const own = `${plan.profile}|${plan.seed}|${index}|${kind}|${name}`
  return hash('sha256', `${previousDigest}|${own}|${nonce}`, 'hex')
}

/** Step `index`, from 1. Throws RangeError where the plan has none. */
export function stepOf({ steps }: Pick<AgentPlan, 'steps'>, index: number): AgentStep {
  const step = steps[index - 1]
  if (!step) throw new RangeError(`step ${index} is not in a plan of ${steps.length} steps`)
  return step
}

/** Milliseconds of work that follow step `index` (0: all of them). */
export function remainingMs(plan: Plan, index: number): number {
  return plan.steps.slice(index).reduce((sum, step) => sum + step.durationMs, 0)
}

/** Whole milliseconds, evenly over the logarithm: as many tasks between 5 s and 10 s as between 50 s and 100 s. */
function drawTotal({ leastMs, mostMs }: Profile, label: string): number {
  if (leastMs === mostMs) return mostMs
  return Math.round(leastMs * (mostMs / leastMs) ** drawsOf(`${label}/total`)(0))
}

function planSteps(profile: Profile, label: string, totalMs: number, timeScale: number): AgentStep[] {
  const draw = drawsOf(label)
  const weights = profile.steps.map((step, i) => step.weight * (0.75 + 0.5 * draw(i)))
  const bounds = boundaries(weights, totalMs)
  return profile.steps.map(({ kind, name, credits }, i) => {
    const durationMs = (bounds[i + 1]! - bounds[i]!) / timeScale
    return { index: i + 1, kind, name, durationMs, credits }
  })
}

/** Each sub-task has a seed and a name of its own, which follow from those of its parent. */
function withSubTasks(step: AgentStep, { steps }: Profile, { seed, job = '' }: Wanted): AgentStep {
  const spawns = steps[step.index - 1]!.spawns?.map((profile, i): TaskInput => {
    const place = `${step.index}-${i + 1}`
    return {
      seed: Number.parseInt(hash('sha256', `${seed}/${place}`, 'hex').slice(0, 8), 16),
      profile,
      job: `${job}/${place}`,
    }
  })
  return spawns ? { ...step, spawns } : step
}

/** Rounded cumulative sums: the parts are whole milliseconds and add up to the total exactly. */
function boundaries(weights: readonly number[], totalMs: number): number[] {
  const sum = weights.reduce((a, b) => a + b, 0)
  let reached = 0
  return [0, ...weights.map((weight) => Math.round((totalMs * (reached += weight)) / sum))]
}

/** One digest gives sixteen draws. */
const drawsPerDigest = 16

/** Uniform in [0, 1), by position: a pure function of the label. */
function drawsOf(label: string): (position: number) => number {
  const digests: string[] = []
  return (position) => {
    const number = Math.floor(position / drawsPerDigest)
    const hex = (digests[number] ??= hash('sha512', number === 0 ? label : `${label}/${number}`, 'hex'))
    const at = (position % drawsPerDigest) * 8
    return Number.parseInt(hex.slice(at, at + 8), 16) / 2 ** 32
  }
}
