import type { ZodType } from 'zod'
import type { FaultState, History } from './history.ts'
import type { LinkName, NodeRole, Target } from './plan.ts'
import type { Promised } from './promises.ts'
import type { Named } from './discover.ts'

/** What a runtime can do to its nodes and links; a fault says which of these it needs. */
export type Capability = 'kill' | 'stop' | 'pause' | 'toxics' | 'custom-toxics'

/** A way to run nodes: child processes, containers, pods. */
export interface Runtime extends Named {
  readonly offers: readonly Capability[]
  /** Why it cannot be used here, or undefined. */
  probe(): Promise<string | undefined>
  /** Start everything, in order of dependency, and wait until ready. Disposing ends every node and leaves nothing. */
  deploy(request: DeployRequest, signal: AbortSignal): Promise<Deployment>
}

export interface DeployRequest {
  /** The cell's id: names, labels and folders derive from it. */
  readonly cell: string
  /** Where logs and evidence go. */
  readonly folder: string
  /** For what does not outlive the run: data directories, sockets. */
  readonly temp: string
  readonly services: readonly ServiceSpec[]
  readonly replicas: { readonly api: number; readonly executor: number }
  readonly env: Readonly<Record<string, string>>
  /** Addresses outside the system under test that nodes dial: the ledger (`tools`) and the callback `receiver`. */
  readonly outside: Readonly<Record<'tools' | 'receiver', string>>
  readonly restartDelayMs: number
  /** Seed for the draws that links make per connection. */
  readonly seed: number
  readonly onNodeEvent: (event: NodeEvent) => void
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
  /** `serve` and `work` are the entries in `patterns/`; the others are programs that each runtime brings. */
  readonly program: 'serve' | 'work' | 'postgres' | 'restate'
  /** A number, or by name from the cell's plan. */
  readonly replicas: number | 'api' | 'executor'
  /** What it connects to; each is a link with a fault point. */
  readonly dials: readonly (NodeRole | 'tools' | 'receiver')[]
}

export interface Deployment extends AsyncDisposable {
  readonly nodes: readonly Node[]
  readonly links: readonly Link[]
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
  kill(): Promise<NodeHarm>
  stop(graceMs: number): Promise<NodeHarm>
  pause(): Promise<NodeHarm>
}

/** A node that was harmed. Healing twice is safe. */
export interface NodeHarm {
  /**
   * What the operating system says. Kill and stop: `signal` and `code` of the exit; pause: `state`, the letter of the
   * process state, where T is stopped. Empty means not proven.
   */
  readonly evidence: Readonly<Record<string, unknown>>
  /** Start, or resume, and wait until ready. */
  heal(): Promise<void>
}

/** A directed connection with a proxy of ours in it. */
export interface Link {
  /** `client->api-0`: link name, and the ordinal of the replicated end. */
  readonly name: string
  readonly kind: LinkName
  readonly ordinal: number
  /** Where the dialling side connects. */
  readonly url: string
  impair(toxic: ToxicSpec): Promise<Impairment>
}

/** A toxic as Toxiproxy's HTTP API knows it: type, direction, probability per connection, attributes. */
export interface ToxicSpec {
  readonly name: string
  readonly type: string
  readonly stream: 'upstream' | 'downstream'
  readonly toxicity: number
  readonly attributes: Readonly<Record<string, number | string | boolean>>
}

export interface Impairment {
  /** How often it fired until now; undefined where the proxy cannot tell. */
  firings(): Promise<number | undefined>
  /** Still there, as the proxy lists it. */
  listed(): Promise<boolean>
  /** Remove; twice is safe. */
  heal(): Promise<void>
}

/** One kind of harm: one file in `harness/faults/`. */
export interface Fault<P = unknown> extends Named {
  readonly acts: 'node' | 'link'
  readonly needs: readonly Capability[]
  /** Links that it may act on; empty: any. */
  readonly links?: readonly LinkName[]
  readonly defaultTarget?: Target
  /**
   * A `z.object` (not strict: a plan adds facts of its own) of described parameters. One named `xMs` is a duration:
   * scenarios write it `x: 200ms`, defaults are in task-world time, and `arm` gets real milliseconds.
   */
  readonly params: ZodType<P>
  /** Acquire the harm. Rejecting means `not-applied`. */
  arm(at: FaultSite, params: P, signal: AbortSignal): Promise<ActiveFault>
}

export interface FaultSite {
  readonly id: string
  readonly seed: number
  readonly nodes: readonly Node[]
  readonly links: readonly Link[]
}

export interface ActiveFault {
  /** What the actuator acknowledged and what was read back at once. */
  readonly evidence: Readonly<Record<string, unknown>>
  /** Judged at the end of the window, before healing. */
  prove(): Promise<{
    readonly state: Extract<FaultState, 'proven' | 'unexercised' | 'lost'>
    readonly firings?: number
    readonly evidence?: Readonly<Record<string, unknown>>
  }>
  /** Undo; twice is safe; rejects when it could not be undone (`leaked`). */
  heal(): Promise<void>
}

/** One property of histories: one file in `harness/checkers/`. */
export interface Checker extends Named {
  /** The promise that it judges. Undefined: it judges the run itself, and its failure is never the system's. */
  readonly judges?: Promised
  check(history: History): Verdict
}

/** `unknown` when the history cannot decide: never a pass. */
export interface Verdict {
  readonly status: 'pass' | 'fail' | 'unknown'
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
  readonly services: readonly ServiceSpec[]
}
