import type { Tuning } from '../../patterns/contract/types/timeouts.ts'
import type { Delivery } from '../../patterns/contract/types/delivery.ts'
import type { Engine } from '../../patterns/contract/types/engine.ts'
import type { Fault } from '../model/fault.ts'
import type { Runtime } from '../model/runtime.ts'

/**
 * Everything a scenario may name. Passed in, so that planning stays pure and knows no plugin by itself.
 * Types only: the registry fills it from the folders.
 */
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
  /** Duration of its longest step, before the seed varies it. */
  readonly longestStepMs: number
}
