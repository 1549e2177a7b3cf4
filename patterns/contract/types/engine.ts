import type { Promised } from './promises.ts'
import type { TakeoverBounds, Timeouts, TimeoutsAt } from './timeouts.ts'

export const nodeRoles = ['api', 'worker', 'engine', 'store'] as const
export type NodeRole = (typeof nodeRoles)[number]

/** Default export of `engines/<name>/engine.ts`: data. */
export interface Engine {
  readonly name: string
  readonly summary: string
  readonly promises: readonly Promised[]
  /** Tasks that were accepted outlive the processes that work on them. */
  readonly durable: boolean
  readonly executor: 'api' | 'worker'
  /** Which role posts callbacks: it dials the receiver. */
  readonly notifier: 'api' | 'worker'
  /** Tasks live in one process: clients stay with the replica that accepted theirs. */
  readonly sticky: boolean
  /** Why it keeps no balances and no tool rates; absent: it does. What of them outlives a crash, its promises say. */
  readonly withoutAccounts?: string
  /** As shipped and tuned; empty: there is nothing to tune. */
  readonly timeouts: Timeouts
  /** What its README says of a SIGKILL in the middle of a step of this length. Absent: nobody goes on with the task. */
  takeover?(at: TimeoutsAt<Timeouts>, stepMs: number): TakeoverBounds
  /** Silence of a live executor after which its work may be given away. Absent: as `takeover` has it at the earliest. */
  patience?(at: TimeoutsAt<Timeouts>): number
  readonly services: readonly Service[]
  /** Engines of the same folder, each by its own name, which begins with this one's: `queue-memo` beside `queue`. */
  readonly variants?: readonly Engine[]
  /** Of an engine that has no folder in `engines`: what its nodes get beside the usual environment, `OUTLAST_BACKEND` among it. */
  readonly env?: Readonly<Record<string, string>>
}

/** One role of an engine's deployment. */
export interface Service {
  readonly role: NodeRole
  /** `serve` and `work` are the entries in `patterns/`; any other is a server, by its folder in `servers/`. */
  readonly program: string
  /** A database: the server whose tables are there before the first start. */
  readonly schema?: string
  /** A number, or by name from the cell's plan. */
  readonly replicas: number | 'api' | 'executor'
  /** What it connects to; each is a link with a fault point. */
  readonly dials: readonly (NodeRole | 'tools' | 'receiver')[]
  /** npm packages that only some engines need, and that a project has to ask for; one service names them. */
  readonly packages?: readonly string[]
}
