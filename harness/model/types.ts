import type { Effective, Impairment, Link } from './link.ts'
import type { ZodType } from 'zod'
import type { HarnessError } from '../core/errors.ts'
import type { DiskCost, History, Stranger } from './history.ts'
import type { PartsProof } from '../faults/_kit/proof.ts'
import type { LinkName, NodeRole, Target } from './plan.ts'
import type { Promised } from './promises.ts'
import type { Timeout } from './timeouts.ts'
import type { Named } from '../core/discover.ts'

/**
 * What a runtime can do to its nodes and links; a fault says which of these it needs. `toxics` are those that every
 * Toxiproxy has; `stall`, `refuse`, `idle-timeout` and `response-lost` are more than those, each by its own name.
 */
export type Capability =
  | 'kill'
  | 'stop'
  | 'pause'
  | 'isolate'
  | 'limits'
  | 'toxics'
  | 'stall'
  | 'refuse'
  | 'idle-timeout'
  | 'response-lost'
  | 'packet-filter'
  | 'edge'

/** A way to run nodes: child processes, containers, pods. */
export interface Runtime extends Named {
  readonly offers: readonly Capability[]
  /** Why it cannot be used here, or undefined. */
  probe(): Promise<string | undefined>
  /** Why it cannot start one of these services here, or undefined: then the pattern is left out, and no other. */
  whyNot(services: readonly ServiceSpec[]): Promise<string | undefined>
  /** What it runs on and these services with, for the run's record: `engine`, `image node`, `redis`... */
  describe(services: readonly ServiceSpec[]): Promise<Readonly<Record<string, string>>>
  /** Make the place where a cell will live. Disposing takes it away. */
  open(place: Place, signal: AbortSignal): Promise<Ground>
  /** What it keeps of any run outside our processes, whether that run lives or not; and what only has a name like ours. */
  traces(): Promise<readonly Trace[]>
  /**
   * End and remove everything of a run, found by its label; of what its journal names also that which lost its label, if
   * the name begins as ours do. Resolves with a sentence, begun by kind and name, on each that still stands or of which
   * that cannot be told: none, if all is well.
   */
  sweep(run: string, journalled: readonly Kept[]): Promise<readonly string[]>
}

/** What lives outside our processes, and would outlive us. */
export interface Kept {
  readonly kind: 'container' | 'network' | 'volume'
  readonly name: string
}

export interface Trace extends Kept {
  /** By its label; undefined where it has none. */
  readonly run?: string
  /** Who made it, by its labels. */
  readonly owner?: Owner
  /** Of the user who made it, by its labels. */
  readonly uid?: number
}

/** One process for certain: a pid alone may mean another one by now, or elsewhere. */
export interface Owner {
  readonly pid: number
  /** Its start in ticks of the kernel's clock; empty where no kernel tells. */
  readonly startTicks: string
  /** The boot and the namespace in which the pid means it. */
  readonly place: string
}

export interface Place {
  /** The cell's id: names, labels and folders derive from it. */
  readonly cell: string
  /** Where logs and evidence go. */
  readonly folder: string
  /** For what does not outlive the run: data directories, sockets. */
  readonly temp: string
  /** Write down what would outlive us. Resolves when it is on the disk: only then may it be made. */
  readonly note: (thing: Kept) => Promise<void>
  /** A part of the harness itself ended or cannot work: nothing that comes after it counts. */
  readonly lost?: (error: HarnessError) => void
}

/** Where a cell's nodes will live, and the harness beside them. */
export interface Ground extends AsyncDisposable {
  /** The address of this machine that nodes can reach: the ledger and the callback receiver listen there. */
  readonly host: string
  /** The network of `host`, as CIDR: a webhook sender must be told that it may call there. */
  readonly network: string
  /** Start everything, in order of dependency, and wait until ready. Disposing ends every node and leaves nothing. */
  deploy(request: DeployRequest, signal: AbortSignal): Promise<Deployment>
}

export interface DeployRequest {
  readonly services: readonly ServiceSpec[]
  readonly replicas: { readonly api: number; readonly executor: number }
  readonly env: Readonly<Record<string, string>>
  /** Of the engine, in real milliseconds, for those of its programs that have any. */
  readonly timeouts: Readonly<Record<string, number>>
  /** Addresses outside the system under test that nodes dial: the ledger (`tools`) and the callback `receiver`. */
  readonly outside: Readonly<Record<'tools' | 'receiver', string>>
  readonly restartDelayMs: number
  /**
   * How many processes to keep, by role, that have loaded what such a node needs and wait to become one: it is back when it is
   * planned to be. Only for nodes of ours, and where the runtime can.
   */
  readonly spares?: Readonly<Partial<Record<NodeRole, SpareNeed>>>
  /** A spare has started. It is no node before `onNodeEvent` says so. */
  readonly onSpare?: (pid: number) => void
  /** Seed for the draws that links make per connection. */
  readonly seed: number
  /** A load balancer of its own stands before every API node: some fault of the cell needs it. */
  readonly edge: boolean
  /** Links lead straight to what they dial, and nothing can be done to them: shows what a fault point costs. */
  readonly direct?: boolean
  readonly onNodeEvent: (event: NodeEvent) => void
  /** Somebody else has the port of a node that was to come back. */
  readonly onStranger?: (stranger: Stranger) => void
}

/** Processes that wait to become a node. */
export interface SpareNeed {
  /** So many wait at a time, if so many are still to come. */
  readonly ahead: number
  readonly inAll: number
}

export interface NodeEvent {
  readonly node: string
  readonly state: 'ready' | 'exited' | 'restarting' | 'crashed'
  readonly pid?: number
  readonly signal?: string | null
  readonly code?: number | null
}

/** One role of a pattern: pure data, declared in `patterns/engines/<name>/engine.ts`. */
export interface ServiceSpec {
  readonly role: NodeRole
  /** `serve` and `work` are the entries in `patterns/`; any other is a server, by its folder in `servers/`. */
  readonly program: string
  /** A database: the server whose tables are there before the first start. */
  readonly schema?: string
  /** A number, or by name from the cell's plan. */
  readonly replicas: number | 'api' | 'executor'
  /** What it connects to; each is a link with a fault point. */
  readonly dials: readonly (NodeRole | 'tools' | 'receiver')[]
}

export interface Deployment extends AsyncDisposable {
  readonly nodes: readonly Node[]
  readonly links: readonly Link[]
  /** What the disk of its database has cost until now. Absent: it has none that can say. Rejects when it cannot be asked. */
  diskCost?(): Promise<DiskCost>
  /** Nodes that must be alive are: otherwise the sentence that says which is not. */
  ailing(): string | undefined
}

export interface Node {
  /** `worker-1`: role and ordinal from 0. */
  readonly name: string
  readonly role: NodeRole
  readonly ordinal: number
  /** Direct address, for readiness and final reads: crosses no fault point. */
  readonly url: string
  /** Changes with every start: with `startedAt` it identifies this life of the node. */
  readonly pid: number | undefined
  /** SIGKILL, and held down until healed. */
  kill(identity?: Identity): Promise<NodeHarm>
  /** SIGTERM, SIGKILL when the grace is over, and held down until healed. */
  stop(graceMs: number, identity?: Identity): Promise<NodeHarm>
  pause(): Promise<NodeHarm>
  /** SIGKILL, not held down: the runtime starts it again as it does after any crash. Resolves with the evidence. */
  crash(): Promise<NodeHarm['evidence']>
  /** Where the runtime offers `isolate`: no packet passes between it and the others, of all roles or of these. */
  isolate?(cut: Isolation): Promise<Impairment>
  /** Where the runtime offers `limits`: from now on it gets this share of one processor. */
  limitCpu?(share: number): Promise<NodeHarm>
  /** Where the runtime offers `limits`: fill its memory until the kernel kills it, and hold it down until healed. */
  exhaustMemory?(): Promise<NodeHarm>
}

/** Who comes back after a node's end: the same one, or, as a rescheduled pod, one with a new name and address. */
export type Identity = 'same' | 'new'

/** A node that was harmed. Healing twice is safe. */
export interface NodeHarm extends Effective {
  /**
   * What the operating system says. Kill and stop: `signal` and `code` of the exit; pause: `state`, which is `T`
   * (stopped) or `frozen`; memory: `oomKilled`; processor: `quota`. Empty means not proven.
   */
  readonly evidence: Readonly<Record<string, unknown>>
  /** Where the effect shows only while it lasts: how often it was felt until now. */
  felt?(): Promise<{ readonly times: number; readonly evidence: Readonly<Record<string, unknown>> }>
  /** Start, or resume, and wait until ready. */
  heal(): Promise<void>
}

export interface Isolation {
  readonly name: string
  readonly from: 'all' | NodeRole
  /** The kernel itself ends it after this, whether or not somebody is left to heal it. */
  readonly expiresMs: number
}

/** One kind of harm: one file in `harness/faults/`. */
export interface Fault<P = unknown> extends Named {
  readonly acts: 'node' | 'link'
  readonly needs: readonly Capability[]
  /** Links that it may act on; empty: any. */
  readonly links?: readonly LinkName[]
  readonly defaultTarget?: Target
  /** One firing acts on all nodes of its role together, or on those that the target names. */
  readonly together?: boolean
  /** How long it takes depends on its nodes: whoever plans it must say how long it may. */
  readonly ownLength?: boolean
  /** A duration that does not do what it says below so much real time, however far a run is compressed, and why. */
  readonly floor?: { readonly param: string; readonly ms: number; readonly why: string }
  /**
   * A `z.object` (not strict: a plan adds facts of its own) of described parameters. One named `xMs` is a duration:
   * scenarios write it `x: 200ms`, defaults are in task-world time, and `arm` gets real milliseconds.
   */
  readonly params: ZodType<P>
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
}

export interface ActiveFault extends Effective {
  /** What the actuator acknowledged and what was read back at once. */
  readonly evidence: Readonly<Record<string, unknown>>
  /** Judged at the end of the window, before healing. */
  prove(): Promise<Proof>
  /** Undo; twice is safe; rejects when it could not be undone (`leaked`). */
  heal(): Promise<void>
}

export interface Proof extends PartsProof {
  readonly firings?: number
  readonly evidence?: Readonly<Record<string, unknown>>
}

/** One property of histories: one file in `harness/checkers/`. */
export interface Checker extends Named {
  /** The promise that it judges. Undefined: it judges the run itself, and its failure is never the system's. */
  readonly judges?: Promised
  check(history: History): Verdict
}

/**
 * `unknown` when the history cannot decide, and `unexercised` when nothing in it could have broken the property: neither is a
 * pass. A control arm normally leaves some promises unexercised, so that is no fault of the run.
 */
export interface Verdict {
  readonly status: 'pass' | 'fail' | 'unknown' | 'unexercised'
  readonly summary: string
  readonly counts: Readonly<Record<string, number>>
  /** Indexes of the ops that show it, the smallest set that convinces; at most 20. */
  readonly witnesses: readonly number[]
}

/** One axis of a pattern. */
export interface Delivery extends Named {
  readonly promises: readonly Promised[]
  /** The client must be reachable: a callback receiver is part of the deployment. */
  readonly callback: boolean
}

export interface Engine extends Named {
  readonly promises: readonly Promised[]
  readonly executor: 'api' | 'worker'
  /** Which role posts callbacks: it dials the receiver. */
  readonly notifier: 'api' | 'worker'
  /** Tasks live in one process: clients stick to the replica that accepted theirs. */
  readonly sticky: boolean
  /** By name; empty: there is nothing to tune. */
  readonly timeouts: Readonly<Record<string, Timeout>>
  /** When somebody goes on after a SIGKILL in the middle of a step of this length, real ms. Absent: nobody does. */
  takeover?(
    at: Readonly<Record<string, number>>,
    stepMs: number,
  ): { readonly earliestMs: number; readonly latestMs: number }
  /** Silence of a live executor after which its work may be given away; absent: as `takeover` has it, where that takes any. */
  patience?(at: Readonly<Record<string, number>>): number
  readonly services: readonly ServiceSpec[]
  /** Of an engine that has no folder in `patterns/engines`: what its nodes are told beside the usual, `OUTLAST_BACKEND` among it. */
  readonly env?: Readonly<Record<string, string>>
}
