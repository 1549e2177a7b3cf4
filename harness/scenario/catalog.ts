import type { Tuning } from '../../patterns/contract/types/timeouts.ts'
import type { Delivery } from '../../patterns/contract/types/delivery.ts'
import type { Engine, NodeRole } from '../../patterns/contract/types/engine.ts'
import type { Fault } from '../model/fault.ts'
import type { Runtime } from '../model/runtime.ts'
import type { CellPlan, LinkName } from '../model/plan.ts'
import { planLinks, planNodes } from '../model/topology.ts'
import type { FaultSpec } from './scenario.ts'

/** Everything that a scenario may name. Passed in, so that planning stays pure. */
export interface Catalog {
  /** The named patterns; any `delivery+engine` resolves as well, and either with `@tuned`. */
  readonly patternNames: readonly string[]
  readonly deliveryNames: readonly string[]
  readonly engineNames: readonly string[]
  resolvePattern(name: string): CatalogPattern | undefined
  readonly faults: ReadonlyMap<string, Fault>
  readonly runtimes: ReadonlyMap<string, Pick<Runtime, 'name' | 'offers'>>
  /** Kinds of work that have a name. */
  readonly profileNames: readonly string[]
  /** A kind of work, by such a name or by that of `nameWork`. */
  workOf(profile: string): WorkProfile | undefined
  /** The name of work that a scenario describes, or what it may not be. */
  nameWork(work: WorkShape): { readonly name: string } | { readonly problem: string }
  /** Faults under a name, which arms include: by that name, or by the path that a scenario writes. */
  readonly faultProfiles: ReadonlyMap<string, ProfileText>
}

/** The text of a profile's file, or why it could not be read. */
export type ProfileText =
  /** `isOwn`: a scenario includes it by a path, which may lead anywhere. */
  | { readonly file: string; readonly text: string; readonly isOwn?: true }
  | { readonly file: string; readonly unreadable: string }

export interface CatalogPattern {
  readonly name: string
  readonly delivery: Delivery
  readonly engine: Engine
  readonly tuning: Tuning
  /** By name, real milliseconds: the silence after which one node of it takes another for dead. */
  silencesAt?(timeScale: number): Readonly<Record<string, number>>
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

export function whyUntouched(spec: FaultSpec, pattern: CatalogPattern, replicas: Replicas): string | undefined {
  const { target } = spec
  const what = target.kind === 'node' ? target.role : target.link
  const count =
    target.kind === 'node' ? countNodes(pattern, target.role, replicas) : countLinks(pattern, target.link, replicas)
  if (count === 0) return `${pattern.name} has no ${what}`
  if (typeof target.ordinal === 'number' && target.ordinal >= count)
    return `${pattern.name} has no ${what}-${target.ordinal}: ${count === 1 ? 'its only one is' : 'they are'} ${what}-0${count > 1 ? ` to ${what}-${count - 1}` : ''}`
  return undefined
}
