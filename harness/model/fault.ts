import type { ZodType } from 'zod'
import type { Named } from '../core/discover.ts'
import type { CallbackPath } from './callback-path.ts'
import type { FaultState } from './history.ts'
import type { Onset, Link } from './link.ts'
import type { Impact, LinkName, Target } from './plan.ts'
import type { Capability, Node } from './runtime.ts'

/** One kind of harm: one file in `harness/faults/`. */
export interface Fault<P = unknown> extends Named {
  readonly acts: 'node' | 'link'
  readonly needs: readonly Capability[]
  /** What it takes to be proven, beside its being acknowledged: a clause for people. */
  readonly proof: string
  /** Links that it may act on; empty: any. */
  readonly links?: readonly LinkName[]
  readonly defaultTarget?: Target
  /** One firing acts on all nodes of its role together, or on those that the target names. */
  readonly together?: boolean
  /** How long it takes depends on its nodes, so a scenario must say how long it may. */
  readonly ownLength?: boolean
  /** A duration that does not do what it says below so much real time, however far a run is compressed, and why. */
  readonly floor?: { readonly param: string; readonly ms: number; readonly why: string }
  /**
   * A `z.object` (not strict: a plan adds facts of its own) of described parameters. One named `xMs` is a duration:
   * scenarios write it `x: 200ms`, defaults are in task-world time, and `arm` gets real milliseconds.
   */
  readonly params: ZodType<P>
  /** What it does to what it acts on, perhaps by its parameters. The plan keeps it: there it is judged by. */
  readonly impact: Exclude<Impact['kind'], 'delay'> | Impact | ((params: P) => Impact)
  /** Acquire the harm, on as many of its nodes or links as can be had. Rejecting means `not-applied`: nothing was done. */
  arm(at: FaultSite, params: P, signal: AbortSignal): Promise<ActiveFault>
}

export interface FaultSite {
  readonly id: string
  readonly seed: number
  /** From armed to heal, as planned, in real milliseconds. */
  readonly windowMs: number
  readonly nodes: readonly Node[]
  readonly links: readonly Link[]
  /** The way of callbacks into the receiver, where the cell has one. */
  readonly callbacks?: CallbackPath
}

export interface ActiveFault extends Onset {
  /** What the actuator acknowledged and what was read back at once. */
  readonly evidence: Readonly<Record<string, unknown>>
  /** Judged at the end of the window, before healing. */
  prove(): Promise<Proof>
  /** Undo; twice is safe; rejects when it could not be undone (`leaked`). */
  heal(): Promise<void>
}

export interface ProofOfParts {
  readonly state: Extract<FaultState, 'proven' | 'partly' | 'unexercised' | 'lost'>
  /** The nodes or links that it harmed; absent: all. */
  readonly reached?: readonly string[]
  readonly reason?: string
}

export interface Proof extends ProofOfParts {
  readonly firings?: number
  readonly evidence?: Readonly<Record<string, unknown>>
}

/** What a fault says that it does with these parameters. */
export function impactWith<P>({ impact }: Pick<Fault<P>, 'impact'>, params: P): Impact {
  const said = typeof impact === 'function' ? impact(params) : impact
  return typeof said === 'string' ? { kind: said } : said
}
