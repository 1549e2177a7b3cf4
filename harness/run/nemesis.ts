import { monotonicMs, sleep, timeLimit } from '../../patterns/contract/types/timer.ts'
import { describeError } from '../core/errors.ts'
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
  /** The role that `executor` means in this cell. */
  readonly executor: 'api' | 'worker'
  /** The load's zero on the monotonic clock. */
  readonly epochMs: number
  /** Resolves when the ledger sees the step of the task, with the node that did it; used by step triggers. */
  readonly onStep: (task: number, step: number, signal: AbortSignal) => Promise<string>
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
  const fired = await waitForTrigger(planned, ports, signal)
  const site = resolveSite(planned, ports, fired)
  const change = (state: FaultChange['state'], rest: Partial<FaultChange> = {}): void =>
    ports.record({ id: planned.id, fault: planned.fault, target: site.target, state, ...rest })
  if (fired === undefined)
    return change('skipped', { reason: signal.aborted ? 'the run was aborted' : 'its trigger never fired' })
  const active = await arm(planned, ports, site, signal).catch((error: unknown) => describeError(error))
  if (typeof active === 'string') return change('not-applied', { reason: active })
  const { evidence, sinceMs } = active
  change('armed', { evidence, ...(sinceMs !== undefined && { onsetAt: sinceMs - ports.epochMs }) })
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
): Promise<ActiveFault> {
  const fault = ports.faults.get(planned.fault)
  if (!fault) throw new Error(`there is no fault "${planned.fault}"`)
  if (site.nodes.length + site.links.length === 0) throw new Error('its target does not exist in this cell')
  const until = new Date(Date.now() + planned.durationMs).toISOString()
  await ports.note({ kind: 'fault', name: planned.id, target: placeNames(site.target), until })
  return fault.arm(site, fault.params.parse(planned.params), signal)
}

/** Who set it off: a node, where the trigger is a step. Undefined: nobody did in time. */
interface Cause {
  readonly executor?: string
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
    const executor = await ports.onStep(trigger.task, trigger.step, limit)
    await sleep(trigger.delayMs, signal)
    return { executor }
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
    target: found.length > 0 ? found : [missingPlace(target)],
  }
}

/** Ordinals wrap around, so that one schedule fits patterns with different numbers of nodes. */
function pickNodes(
  target: Extract<Target, { kind: 'node' }>,
  ports: NemesisPorts,
  cause: Cause | undefined,
): Deployment['nodes'] {
  if (target.ordinal === 'of-step') return ports.deployment.nodes.filter(({ name }) => name === cause?.executor)
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

export interface StepWatch {
  /** Feed: an effect as the ledger announced it. */
  saw(effect: LedgerEffect): void
  /**
   * Resolves once the task (ordinal from 1, as people count) has done the step, with the name of the node that did it.
   * Rejects when the signal aborts.
   */
  wait(task: number, step: number, signal: AbortSignal): Promise<string>
}

/** Lets faults wait for a step of a task. */
export function watchSteps(): StepWatch {
  const seen = new Map<string, string>()
  const waiting = new Map<string, ((executor: string) => void)[]>()
  return {
    saw({ task, step, executor }) {
      const name = `${task}/${step}`
      const node = nodeOf(executor)
      seen.set(name, node)
      waiting.get(name)?.forEach((wake) => wake(node))
      waiting.delete(name)
    },
    wait: (task, step, signal) =>
      new Promise((resolve, reject) => {
        const name = `${jobKey(task - 1)}/${step}`
        const node = seen.get(name)
        if (node !== undefined) return resolve(node)
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
        waiting.set(name, [...(waiting.get(name) ?? []), resolve])
      }),
  }
}
