import type { Tuning } from '../../patterns/contract/types/timeouts.ts'
import type { Delivery } from '../../patterns/contract/types/delivery.ts'
import type { Engine, NodeRole } from '../../patterns/contract/types/engine.ts'
import type { Fault } from '../model/fault.ts'
import type { Capability, Runtime } from '../model/runtime.ts'
import type { CellPlan, LinkName } from '../model/plan.ts'
import type { Target } from '../model/target.ts'
import { planLinks, planNodes } from '../model/topology.ts'
import type { FaultSpec } from './scenario.ts'

/** Everything that a scenario may name. Passed in, so that planning stays pure. */
export interface Catalog {
  /** The named patterns; any `delivery+engine` resolves as well, and either with `@tuned`. */
  readonly patternNames: readonly string[]
  readonly deliveries: ReadonlyMap<string, Delivery>
  readonly engineNames: readonly string[]
  /** Servers that a target can have as its store. */
  readonly storeNames: readonly string[]
  resolvePattern(name: string): CatalogPattern | undefined
  readonly faults: ReadonlyMap<string, Fault>
  readonly runtimes: ReadonlyMap<string, Pick<Runtime, 'name' | 'offers'>>
  /** Kinds of work that have a name. */
  readonly profileNames: readonly string[]
  /** A kind of work, by such a name or by that of `nameWork`. */
  workOf(profile: string): WorkProfile | undefined
  /** The name of work that a scenario describes, or what it may not be. */
  nameWork(work: WorkShape): { readonly name: string } | { readonly problem: string }
  /** Targets of a scenario, as patterns. */
  patternOf(target: Target): CatalogPattern
  /** Faults under a name, which arms include: by that name, or by the path that a scenario writes. */
  readonly faultProfiles: ReadonlyMap<string, ProfileText>
}

/** The text of a profile's file, or why it could not be read. */
export type ProfileText =
  /** `isOwn`: a scenario includes it by a path, which may lead anywhere. */
  | { readonly file: string; readonly text: string; readonly isOwn?: true }
  | { readonly file: string; readonly unreadable: string }

/** The same with these targets among the patterns. */
export function withTargets<C extends Catalog>(catalog: C, targets: readonly Target[]): C {
  if (targets.length === 0) return catalog
  const patterns = new Map(targets.map((target) => [target.name, catalog.patternOf(target)]))
  return {
    ...catalog,
    patternNames: [...catalog.patternNames, ...patterns.keys()],
    resolvePattern: (name: string) => patterns.get(name) ?? catalog.resolvePattern(name),
  }
}

export interface CatalogPattern {
  readonly name: string
  readonly delivery: Delivery
  readonly engine: Engine
  readonly tuning: Tuning
  /** By name, real milliseconds: the silence after which one node of it takes another for dead. */
  silencesAt?(timeScale: number): Readonly<Record<string, number>>
  /** It does work of its own, whatever the scenario's is. */
  readonly work?: WorkProfile
  /** What cannot be done to it, by what a fault needs, and why. */
  readonly lacks?: Readonly<Partial<Record<Capability, string>>>
}

/** Work that a scenario describes: equal steps, and how long all of them take, in task-world milliseconds. */
export interface WorkShape {
  readonly steps: number
  readonly leastMs: number
  readonly mostMs: number
  readonly resultBytes: number
}

/** What planning needs to know of a kind of work. */
export interface WorkProfile {
  /** Steps are numbered from 1. */
  readonly steps: number
  /** Duration of a perfect execution in task-world milliseconds: the mean, where it varies. */
  readonly idealMs: number
  /** The least and the most, where it varies by the seed of the task. */
  readonly idealRangeMs?: readonly [number, number]
  /** Duration of its longest step, before the seed varies it. */
  readonly longestStepMs: number
  /** Names of the tools that its steps call, step by step. Absent: nobody here knows. */
  readonly calls?: readonly string[]
  /** What they cost of a budget, step by step. Absent: nobody here knows. */
  readonly credits?: readonly number[]
}

type Replicas = CellPlan['replicas']

export function countNodes({ engine }: CatalogPattern, role: NodeRole | 'executor', replicas: Replicas): number {
  const wanted = role === 'executor' ? engine.executor : role
  return planNodes({ services: engine.services, replicas }).filter((node) => node.role === wanted).length
}

/** Only a callback is dialled by a sender, although every engine could. */
function countLinks({ delivery, engine }: CatalogPattern, link: LinkName, replicas: Replicas): number {
  if (link === 'sender->receiver' && !delivery.callback) return 0
  const nodes = planNodes({ services: engine.services, replicas })
  return planLinks(nodes, { tools: '', receiver: '' }).filter(({ kind }) => kind === link).length
}

/** What a pattern does at best: its own work, or that of the scenario. */
export function workFor(pattern: CatalogPattern, profile: string, catalog: Pick<Catalog, 'workOf'>): WorkProfile {
  return pattern.work ?? catalog.workOf(profile)!
}

/** The longest of these patterns: the load lasts until its last task has ended. */
export function longestWorkMs(patterns: readonly CatalogPattern[], ofProfile: WorkProfile): number {
  // Where no pattern could be read, what is said of the load is said of the scenario's own work.
  return patterns.length === 0 ? ofProfile.idealMs : Math.max(...patterns.map(({ work = ofProfile }) => work.idealMs))
}

/** A fault of one pattern alone touches no other one. */
export function whyUntouched(spec: FaultSpec, pattern: CatalogPattern, replicas: Replicas): string | undefined {
  const { target, only } = spec
  if (only !== undefined && only !== pattern.name) return `it is for ${only} alone`
  const what = target.kind === 'node' ? target.role : target.link
  const count =
    target.kind === 'node' ? countNodes(pattern, target.role, replicas) : countLinks(pattern, target.link, replicas)
  if (count === 0) return `${pattern.name} has no ${what}`
  if (typeof target.ordinal === 'number' && target.ordinal >= count)
    return `${pattern.name} has no ${what}-${target.ordinal}: ${count === 1 ? 'its only one is' : 'they are'} ${what}-0${count > 1 ? ` to ${what}-${count - 1}` : ''}`
  return undefined
}
