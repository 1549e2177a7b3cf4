import type { NodeRole, Service } from '../../patterns/contract/types/engine.ts'
import type { Named } from '../core/discover.ts'
import type { HarnessError } from '../core/errors.ts'
import type { DiskCost, Stranger } from './history.ts'
import type { Onset, Impairment, Link } from './link.ts'

/**
 * What a runtime can do to its nodes and links; a fault says which of these it needs. `toxics` are those that every
 * Toxiproxy has; `stall`, `refuse`, `idle-timeout` and `response-lost` are more than those, each by its own name. `callbacks`:
 * they arrive at a receiver of the harness's own. `host-files`: nodes read files of this machine.
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
  | 'callbacks'
  | 'block'
  | 'packet-filter'
  | 'edge'
  | 'host-files'

/** A way to run nodes: child processes, containers, pods. */
export interface Runtime extends Named {
  readonly offers: readonly Capability[]
  /** Why it cannot be used here, or undefined. */
  probe(): Promise<string | undefined>
  /** Why it cannot start one of these services here, or undefined: then the pattern is left out, and no other. */
  whyNot(services: readonly Service[]): Promise<string | undefined>
  /** What it runs on and these services with, for the run's record: `engine`, `image node`, `redis`... */
  describe(services: readonly Service[]): Promise<Readonly<Record<string, string>>>
  /** Make the place where a cell will live. Disposing takes it away. */
  open(place: CellContext, signal: AbortSignal): Promise<Testbed>
  /** What it keeps of any run outside our processes, whether that run lives or not; and what only has a name like ours. */
  resources(): Promise<readonly OwnedResource[]>
  /**
   * Ends and removes everything of a run that has its label. It also removes what its journal names without a label, if
   * the name begins as ours do. Resolves with a sentence, begun by kind and name, on each that is still there or cannot
   * be checked. Empty if nothing is left.
   */
  sweep(run: string, journalled: readonly Resource[]): Promise<readonly string[]>
  /** What to send first to a process of this command line, which removes kernel objects then. Undefined: SIGKILL will do. */
  endSignalOf?(command: string): NodeJS.Signals | undefined
}

/** What lives outside our processes, and would outlive us. */
export interface Resource {
  readonly kind: 'container' | 'network' | 'volume'
  readonly name: string
}

/** A service of the user's that a fault takes down. Its owner's command brings it back, also where we have died. */
export interface OwnersService {
  readonly kind: 'service'
  /** Its node, its cell and its address, for sentences. */
  readonly name: string
  /** `restarting`: its command has begun. */
  readonly state: 'down' | 'restarting' | 'up'
  readonly url: string
  readonly restart: readonly string[]
  readonly cwd: string
  /** Where the command writes. */
  readonly logFile: string
}

export interface OwnedResource extends Resource {
  /** By its label; undefined where it has none. */
  readonly run?: string
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

export interface CellContext {
  /** The cell's id: names, labels and folders derive from it. */
  readonly cell: string
  /** Where logs and evidence go. */
  readonly folder: string
  /** For what does not outlive the run: data directories, sockets. */
  readonly temp: string
  /** Write down what would outlive us. Resolves when it is on the disk: only then may it be made, or taken down. */
  readonly note: (thing: Resource | OwnersService) => Promise<void>
  /** A part of the harness itself ended or cannot work: nothing that comes after it counts. */
  readonly lost?: (error: HarnessError) => void
}

/** Where a cell's nodes will live, and the harness beside them. */
export interface Testbed extends AsyncDisposable {
  /** The address of this machine that nodes can reach: the ledger and the callback receiver listen there. */
  readonly host: string
  /** The network of `host`, as CIDR. A webhook sender needs it to be allowed to call there. */
  readonly network: string
  /** Start everything, in order of dependency, and wait until ready. Disposing ends every node and leaves nothing. */
  deploy(request: DeployRequest, signal: AbortSignal): Promise<Deployment>
}

export interface DeployRequest {
  readonly services: readonly Service[]
  readonly replicas: { readonly api: number; readonly executor: number }
  readonly env: Readonly<Record<string, string>>
  /** Of API nodes alone, beside that: who may do what, and secrets that no executor may have. */
  readonly apiEnv?: Readonly<Record<string, string>>
  /** Of the engine, in real milliseconds, for those of its programs that have any. */
  readonly timeouts: Readonly<Record<string, number>>
  /** Addresses outside the system under test that nodes dial: the ledger (`tools`) and the callback `receiver`. */
  readonly outside: Readonly<Record<'tools' | 'receiver', string>>
  readonly restartDelayMs: number
  /** How many processes of a role to keep that have loaded their program and wait to be a node, if possible. */
  readonly spares?: Readonly<Partial<Record<NodeRole, SpareNeed>>>
  /** A spare has started. It is no node before `onNodeEvent` says so. */
  readonly onSpare?: (pid: number) => void
  /** Seed for the draws that links make per connection. */
  readonly seed: number
  /** A load balancer of its own is before every API node: some fault of the cell needs it. */
  readonly edge: boolean
  /** Nodes of ours can be told to block: some fault of the cell needs it. */
  readonly blockable?: boolean
  /** Links lead straight to what they dial, and nothing can be done to them: shows what a fault point costs. */
  readonly direct?: boolean
  readonly onNodeEvent: (event: NodeEvent) => void
  /** Another process has the port of a node that was to come back. */
  readonly onStranger?: (stranger: Stranger) => void
}

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
  /** When it ended, on the monotonic clock, where that was told late; absent: just now. */
  readonly endedMs?: number
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
  /** It runs where no process of it can be seen. */
  readonly isRemote?: boolean
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
  /** Where the runtime offers `block`, of a node of ours: its event loop gives nobody a turn, for so long at most. */
  block?(expiresMs: number): Promise<NodeHarm>
  /** Where the runtime offers `limits`: fill its memory until the kernel kills it, and hold it down until healed. */
  exhaustMemory?(): Promise<NodeHarm>
}

/** Who comes back after a node's end: the same one, or, as a rescheduled pod, one with a new name and address. */
export type Identity = 'same' | 'new'

/** A node that was harmed. Healing twice is safe. */
export interface NodeHarm extends Onset {
  /**
   * What the operating system says. Kill and stop: `signal` and `code` of the exit; pause: `state`, which is `T`
   * (stopped) or `frozen`; block: `blocked`; memory: `oomKilled`; processor: `quota`. Empty means not proven.
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
  /** The kernel itself ends it after this, also without a harness to heal it. */
  readonly expiresMs: number
}
