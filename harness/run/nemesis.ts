import { monotonicMs, sleep, timeLimit } from '../../patterns/contract/types/timer.ts'
import { describeError } from '../core/errors.ts'
import type { CallbackPath } from '../model/callback-path.ts'
import type { FaultChange } from '../model/history.ts'
import { type Place, placeNames } from '../model/place.ts'
import type { PlannedFault, Target } from '../model/plan.ts'
import type { ArmedFault } from '../cleanup/journal.ts'
import type { ActiveFault, Fault, FaultSite } from '../model/fault.ts'
import type { Deployment } from '../model/runtime.ts'
import { nodeOf } from '../analysis/places.ts'
import type { LedgerEffect } from './ledger.ts'
import { jobKey } from './jobs.ts'

export interface NemesisPorts {
  readonly faults: ReadonlyMap<string, Fault>
  readonly deployment: Deployment
  /** The way of callbacks into the harness's receiver. */
  readonly callbacks?: CallbackPath
  /** The role that `executor` means in this cell. */
  readonly executor: 'api' | 'worker'
  /** The load's zero on the monotonic clock. */
  readonly epochMs: number
  /** Resolves when the ledger sees the step of the task, with the node that did it; used by step triggers. */
  readonly onStep: (task: number, step: number, signal: AbortSignal) => Promise<string>
  /** Resolves when the client has the answer that the task is accepted, with the node that gave it. */
  readonly onAccepted: (task: number, signal: AbortSignal) => Promise<string>
  readonly record: (change: FaultChange) => void
  /** Resolves when it is on the disk. */
  readonly note: (entry: FaultNote) => Promise<void>
}

/** What a cell adds to the run's journal. */
export type FaultNote = Omit<ArmedFault, 'cell'> | { readonly kind: 'healed'; readonly name: string }

/**
 * Carries out the schedule. Each fault waits for its trigger, is armed, holds for its duration, is proven and healed.
 * Every change of its state is recorded. Resolves when all are healed. An abort heals at once. Never rejects: a fault
 * that cannot be armed is `not-applied`, one that cannot be undone `leaked`.
 */
export async function carryOut(
  schedule: readonly PlannedFault[],
  ports: NemesisPorts,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(schedule.map((planned) => carryOutOne(planned, ports, signal)))
}

async function carryOutOne(planned: PlannedFault, ports: NemesisPorts, signal: AbortSignal): Promise<void> {
  if (isRace(planned)) await noteAhead(planned, ports)
  const fired = await waitForTrigger(planned, ports, signal)
  const site = resolveSite(planned, ports, fired)
  const change = (state: FaultChange['state'], rest: Partial<FaultChange> = {}): void =>
    ports.record({ id: planned.id, fault: planned.fault, target: site.target, state, ...rest })
  if (fired === undefined)
    return change('skipped', { reason: signal.aborted ? 'the run was aborted' : 'its trigger never fired' })
  const active = await arm(planned, ports, site, signal).catch((error: unknown) => describeError(error))
  if (typeof active === 'string') return change('not-applied', { reason: active })
  const { evidence, sinceMs } = active
  change('armed', { evidence, onsetAt: sinceMs - ports.epochMs })
  await sleep(planned.durationMs, signal).catch(() => {})
  const healed = await proveAndHeal(active, site, change)
  // Without this line nothing is lost but a certainty.
  if (healed) await ports.note({ kind: 'healed', name: planned.id }).catch(() => {})
}

/** Resolves with whether it could be healed. */
async function proveAndHeal(
  active: ActiveFault,
  site: FaultSite,
  change: (state: FaultChange['state'], rest?: Partial<FaultChange>) => void,
): Promise<boolean> {
  try {
    const { state, reached, ...proof } = await active.prove()
    change(state, { ...proof, ...(reached && { reached: reached.map((name) => placeAt(name, site)) }) })
  } catch (error) {
    change('lost', { reason: describeError(error) })
  }
  try {
    await active.heal()
    change('healed')
    return true
  } catch (error) {
    change('leaked', { reason: describeError(error) })
    return false
  }
}

async function arm(
  planned: PlannedFault,
  ports: NemesisPorts,
  site: ReturnType<typeof resolveSite>,
  signal: AbortSignal,
): Promise<ActiveFault & { readonly sinceMs: number }> {
  const fault = ports.faults.get(planned.fault)
  if (!fault) throw new Error(`there is no fault "${planned.fault}"`)
  if (site.nodes.length + site.links.length === 0) throw new Error('its target does not exist in this cell')
  if (!isRace(planned)) await note(planned, placeNames(site.target), planned.durationMs, ports)
  const params = fault.params.parse(planned.params)
  // What cannot tell when it took effect may have done so as soon as it was ordered, long before that is acknowledged.
  const orderedMs = monotonicMs()
  return { sinceMs: orderedMs, ...(await fault.arm(site, params, signal)) }
}

/** Within a window that a flush to the disk would miss: its line is on the disk before its trigger fires. */
function isRace({ trigger }: PlannedFault): boolean {
  return trigger.kind !== 'time' && trigger.windowMs !== undefined
}

async function noteAhead(planned: PlannedFault, ports: NemesisPorts): Promise<void> {
  const { trigger, target, durationMs } = planned
  const longestMs = durationMs + (trigger.kind === 'time' ? 0 : trigger.withinMs + trigger.delayMs)
  // What cannot be written breaks the run off by itself.
  await note(planned, placeNames([missingPlace(target)]), longestMs, ports).catch(() => {})
}

function note({ id }: PlannedFault, target: string, lastsMs: number, ports: NemesisPorts): Promise<void> {
  return ports.note({ kind: 'fault', name: id, target, until: new Date(Date.now() + lastsMs).toISOString() })
}

/** Who set it off: a node, where the trigger is what a task came to. Undefined: nobody did in time. */
interface Cause {
  readonly node?: string
}

async function waitForTrigger(
  planned: PlannedFault,
  ports: NemesisPorts,
  signal: AbortSignal,
): Promise<Cause | undefined> {
  const { trigger } = planned
  try {
    if (trigger.kind === 'time') {
      await sleepUntil(ports.epochMs + trigger.atMs, signal)
      return {}
    }
    const limit = AbortSignal.any([signal, timeLimit(trigger.withinMs)])
    const node = await (trigger.kind === 'step'
      ? ports.onStep(trigger.task, trigger.step, limit)
      : ports.onAccepted(trigger.task, limit))
    await sleep(trigger.delayMs, signal)
    return { node }
  } catch {
    return undefined
  }
}

function resolveSite(
  planned: PlannedFault,
  ports: NemesisPorts,
  cause: Cause | undefined,
): FaultSite & { readonly target: readonly Place[] } {
  const { target } = planned
  const nodes = target.kind === 'node' ? pickNodes(target, ports, cause) : []
  const links = target.kind === 'link' ? pickLinks(target, ports) : []
  const found = [...nodes.map(({ name }) => ({ node: name })), ...links.map(({ name }) => ({ link: name }))]
  return {
    id: planned.id,
    seed: planned.seed,
    windowMs: planned.durationMs,
    nodes,
    links,
    ...(ports.callbacks && { callbacks: ports.callbacks }),
    target: found.length > 0 ? found : [missingPlace(target)],
  }
}

/** Ordinals wrap around, so that one schedule fits patterns with different numbers of nodes. */
function pickNodes(
  target: Extract<Target, { kind: 'node' }>,
  ports: NemesisPorts,
  cause: Cause | undefined,
): Deployment['nodes'] {
  if (target.ordinal === 'of-step' || target.ordinal === 'of-task')
    return ports.deployment.nodes.filter(({ name }) => name === cause?.node)
  const role = target.role === 'executor' ? ports.executor : target.role
  const candidates = ports.deployment.nodes.filter((node) => node.role === role)
  if (target.ordinal === 'all' || candidates.length === 0) return candidates
  return [candidates[target.ordinal % candidates.length]!]
}

function pickLinks(target: Extract<Target, { kind: 'link' }>, ports: NemesisPorts): Deployment['links'] {
  const candidates = ports.deployment.links.filter((link) => link.kind === target.link)
  if (target.ordinal === 'all' || candidates.length === 0) return candidates
  return [candidates[target.ordinal % candidates.length]!]
}

function placeAt(name: string, { nodes }: FaultSite): Place {
  return nodes.some((node) => node.name === name) ? { node: name } : { link: name }
}

/** What the plan asked for, where the cell has no such thing. */
function missingPlace(target: Target): Place {
  return target.kind === 'node'
    ? { node: `${target.role}-${target.ordinal}` }
    : { link: `${target.link}-${target.ordinal}` }
}

async function sleepUntil(monotonic: number, signal: AbortSignal): Promise<void> {
  await sleep(Math.max(0, monotonic - monotonicMs()), signal)
}

/** Lets faults wait for what a task comes to. */
export interface TaskWatch {
  /** Feed: an effect as the ledger announced it. */
  sawEffect(effect: Pick<LedgerEffect, 'task' | 'step' | 'executor'>): void
  /** Feed: the client of the job has the answer that its task is accepted, from this node. */
  sawAccepted(job: string, api: string): void
  /**
   * Resolves once the task (ordinal from 1, as people count) has done the step, with the name of the node that did it.
   * Rejects when the signal aborts.
   */
  step(task: number, step: number, signal: AbortSignal): Promise<string>
  /** The same for its acceptance, with the name of the node that accepted it. */
  accepted(task: number, signal: AbortSignal): Promise<string>
}

export function watchTasks(): TaskWatch {
  const steps = watchFirsts()
  const acceptances = watchFirsts()
  return {
    sawEffect: ({ task, step, executor }) => steps.saw(`${task}/${step}`, nodeOf(executor)),
    sawAccepted: (job, api) => acceptances.saw(job, api),
    step: (task, step, signal) => steps.wait(`${jobKey(task - 1)}/${step}`, signal),
    accepted: (task, signal) => acceptances.wait(jobKey(task - 1), signal),
  }
}

/** The first that each name was seen with. */
function watchFirsts() {
  const seen = new Map<string, string>()
  const waiting = new Map<string, ((by: string) => void)[]>()
  return {
    saw(name: string, by: string): void {
      if (seen.has(name)) return
      seen.set(name, by)
      waiting.get(name)?.forEach((wake) => wake(by))
      waiting.delete(name)
    },
    wait: (name: string, signal: AbortSignal): Promise<string> =>
      new Promise((resolve, reject) => {
        const by = seen.get(name)
        if (by !== undefined) return resolve(by)
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
        waiting.set(name, [...(waiting.get(name) ?? []), resolve])
      }),
  }
}
