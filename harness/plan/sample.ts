import type { PlannedFault, Target, Trigger } from '../model/plan.ts'
import { createRng, type Rng } from '../core/rng.ts'
import { isDuration } from '../scenario/fault.ts'
import { type Arm, type FaultSpec, type MomentTrigger, settleMs, type TargetSpec } from '../scenario/scenario.ts'
import { roundMs } from '../core/numbers.ts'

/** What the draws of an arm depend on, beside the arm. Durations in task-world milliseconds. */
export interface SampleContext {
  readonly seed: number
  readonly repetition: number
  readonly timeScale: number
  /** Firings begin in [0, windowMs). */
  readonly windowMs: number
  readonly graceMs: number
  /** How many tasks are offered. */
  readonly tasks: number
  /** The largest number of nodes that any pattern has in the target's role. */
  readonly countNodes: (target: TargetSpec) => number
}

type NodeTarget = Extract<TargetSpec, { kind: 'node' }>
type FixedTrigger = Exclude<FaultSpec['trigger'], { kind: 'every' } | MomentTrigger>
type Firing = Pick<PlannedFault, 'target' | 'trigger' | 'seed'>

/**
 * Every firing of an arm's faults in real milliseconds, all choices made, in the order of time. The draws of a fault
 * depend on the seed, the arm, the repetition and its id only; those of a node on its ordinal too. So adding an
 * arm, a fault, a node or a pattern leaves all others where they were.
 */
export function sampleFaults(arm: Arm, context: SampleContext): readonly PlannedFault[] {
  const rng = createRng(context.seed).fork(`schedule/${arm.name}/${context.repetition}`)
  return arm.faults.flatMap((spec) => sampleFault(spec, context, rng.fork(spec.id))).sort(byTime)
}

function sampleFault(spec: FaultSpec, context: SampleContext, rng: Rng): readonly PlannedFault[] {
  const params = scaleParams(spec.params, context.timeScale)
  if (spec.trigger.kind === 'every') params['meanGapMs'] = roundMs(spec.trigger.meanGapMs / context.timeScale)
  return sampleFirings(spec, context, rng)
    .sort(byTime)
    .map(({ target, trigger, seed }, i) => {
      const durationMs = resolveDuration(spec, trigger, context)
      return { id: `${spec.id}#${i + 1}`, fault: spec.fault, target, trigger, durationMs, params, seed }
    })
}

function sampleFirings(spec: FaultSpec, context: SampleContext, rng: Rng): Firing[] {
  if (spec.trigger.kind === 'every') return sampleProcesses(spec, spec.trigger.meanGapMs, context, rng)
  if (spec.trigger.kind === 'moment') return sampleMoments(spec, spec.trigger, context, rng)
  const trigger = fixedTrigger(spec.trigger, context)
  return fixedTargets(spec, context, rng).map((target) => {
    return { target, trigger, seed: sampleSeed(rng.fork(`firing/${target.ordinal}`)) }
  })
}

/** One task, or each, with a delay of its own: the draw of a task depends on no other. */
function sampleMoments(
  spec: FaultSpec,
  { task, ...moment }: MomentTrigger,
  context: SampleContext,
  rng: Rng,
): Firing[] {
  const tasks = task === 'all' ? Array.from({ length: context.tasks }, (_, i) => i + 1) : [task]
  return tasks.flatMap((one) => {
    const own = rng.fork(`task/${one}`)
    const trigger = momentTrigger(moment, one, own, context)
    return fixedTargets(spec, context, rng).map((target) => {
      return { target, trigger, seed: sampleSeed(own.fork(`firing/${target.ordinal}`)) }
    })
  })
}

function momentTrigger(
  { moment, windowMs }: Pick<MomentTrigger, 'moment' | 'windowMs'>,
  task: number,
  rng: Rng,
  context: SampleContext,
): Trigger {
  // Whoever is waited for is under way: the last tasks of the load may still come to it until they can no longer succeed.
  const withinMs = roundMs((context.windowMs + context.graceMs) / context.timeScale)
  const common = { task, delayMs: roundMs(rng.next() * windowMs), windowMs, withinMs }
  return moment === 'accepted' ? { kind: 'accepted', ...common } : { kind: 'step', step: 1, ...common }
}

/** What a task comes to after the load sets off nothing. */
function withinMs({ windowMs, timeScale }: SampleContext): number {
  return roundMs(windowMs / timeScale)
}

function fixedTrigger(trigger: FixedTrigger, context: SampleContext): Trigger {
  const real = (ms: number): number => roundMs(ms / context.timeScale)
  if (trigger.kind === 'at') return { kind: 'time', atMs: real(trigger.atMs) }
  const { task, step, afterMs } = trigger
  return { kind: 'step', task, step, delayMs: real(afterMs), withinMs: withinMs(context) }
}

function fixedTargets(spec: FaultSpec, context: SampleContext, rng: Rng): readonly Target[] {
  const whole = wholeTarget(spec)
  if (whole) return [whole]
  const { role, ordinal } = spec.target as NodeTarget
  if (typeof ordinal === 'number' || ordinal === 'of-step' || ordinal === 'of-task')
    return [{ kind: 'node', role, ordinal }]
  const count = context.countNodes(spec.target)
  if (ordinal === 'any') return [{ kind: 'node', role, ordinal: Math.floor(rng.fork('victim').next() * count) }]
  return Array.from({ length: count }, (_, n) => ({ kind: 'node', role, ordinal: n }))
}

/** What every firing hits, where a firing does not have one node of several. */
function wholeTarget({ target, together }: FaultSpec): Target | undefined {
  if (target.kind === 'link') return { ...target }
  return together && target.ordinal !== 'any' ? { ...target, ordinal: target.ordinal } : undefined
}

/** Every node of a role has a process of its own; a link, and nodes that are hit together, have one. */
function sampleProcesses(spec: FaultSpec, meanGapMs: number, context: SampleContext, rng: Rng): Firing[] {
  const whole = wholeTarget(spec)
  const hazard = { forMs: spec.forMs, meanGapMs }
  if (whole) return sampleProcess(whole, hazard, context, rng.fork(whole.kind === 'link' ? 'link' : 'together'))
  const { role } = spec.target as NodeTarget
  return Array.from({ length: context.countNodes(spec.target) }, (_, ordinal) =>
    sampleProcess({ kind: 'node', role, ordinal }, hazard, context, rng.fork(`node/${ordinal}`)),
  ).flat()
}

type Hazard = Pick<FaultSpec, 'forMs'> & { readonly meanGapMs: number }

/** Exponential gaps from the end of one firing to the next: a node that is down cannot be harmed. */
function sampleProcess(target: Target, { forMs, meanGapMs }: Hazard, context: SampleContext, rng: Rng): Firing[] {
  const { timeScale, windowMs } = context
  const settle = target.kind === 'node' ? settleMs : 0
  const awayMs = Number(forMs) / timeScale + settle
  const firings: Firing[] = []
  let atMs = rng.exponential(meanGapMs / timeScale)
  while (atMs < windowMs / timeScale) {
    const seed = sampleSeed(rng.fork(`firing/${firings.length}`))
    firings.push({ target, trigger: { kind: 'time', atMs: roundMs(atMs) }, seed })
    atMs += awayMs + rng.exponential(meanGapMs / timeScale)
  }
  return firings
}

/** `load` lasts until the last task could still succeed. */
function resolveDuration(
  { forMs }: FaultSpec,
  trigger: Trigger,
  { windowMs, graceMs, timeScale }: SampleContext,
): number {
  if (forMs !== 'load') return roundMs(forMs / timeScale)
  const startMs = trigger.kind === 'time' ? trigger.atMs : 0
  return roundMs((windowMs + graceMs) / timeScale - startMs)
}

function sampleSeed(rng: Rng): number {
  return Math.floor(rng.next() * 2 ** 31)
}

/** Triggers by a task first: they may fire at any time. Stable, so that equals stay in the order of the file. */
function byTime(a: Firing, b: Firing): number {
  return timeOf(a) - timeOf(b)
}

function timeOf({ trigger }: Firing): number {
  return trigger.kind === 'time' ? trigger.atMs : -1
}

/** Parameters in real milliseconds: every duration divided by `timeScale`. */
function scaleParams(params: Readonly<Record<string, unknown>>, timeScale: number): Record<string, unknown> {
  const scale = ([name, value]: [string, unknown]): [string, unknown] =>
    isDuration(name) && typeof value === 'number' ? [name, roundMs(value / timeScale)] : [name, value]
  return Object.fromEntries(Object.entries(params).map(scale))
}
