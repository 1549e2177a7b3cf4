import type { Hono } from 'hono'
import type { WebSocketServer } from 'ws'
import type { Backend, NodeSettings } from '../engine/backend.ts'
import { recordAttempt, type Notify } from './callback.ts'
import type { Takeover, Timeouts, TimeoutsAt } from './timeouts.ts'

/** What a delivery or an engine can promise; `harness/model/promises.ts` says what each word means. */
export type Promised =
  | 'no-lost-task'
  | 'effect-once'
  | 'effect-at-least-once'
  | 'idempotency'
  | 'no-phantom'
  | 'state-machine'
  | 'result-integrity'
  | 'sse-continuity'

export type NodeRole = 'api' | 'worker' | 'engine' | 'store'

/** Default export of `deliveries/<name>/delivery.ts`: data. */
export interface Delivery {
  readonly name: string
  readonly summary: string
  readonly promises: readonly Promised[]
  /** Other deliveries whose code is in this one. A plugin imports no other one that it does not name here. */
  readonly madeOf?: readonly string[]
  /** The client must be reachable: a callback receiver is part of the deployment. */
  readonly callback: boolean
}

/** Default export of `engines/<name>/engine.ts`: data. */
export interface Engine {
  readonly name: string
  readonly summary: string
  readonly promises: readonly Promised[]
  readonly executor: 'api' | 'worker'
  /** Which role posts callbacks. */
  readonly notifier: 'api' | 'worker'
  /** Tasks live in one process: clients stay with the replica that accepted theirs. */
  readonly sticky: boolean
  /** As shipped and tuned; empty: there is nothing to tune. */
  readonly timeouts: Timeouts
  /** What its README says of a SIGKILL in the middle of a step of this length. Absent: nobody goes on with the task. */
  takeover?(at: TimeoutsAt<Timeouts>, stepMs: number): Takeover
  /** Silence of a live executor after which its work may be given away. Absent: as `takeover` has it at the earliest. */
  patience?(at: TimeoutsAt<Timeouts>): number
  readonly services: readonly Service[]
  /** Engines of the same folder, each by its own name, which begins with this one's: `queue-memo` beside `queue`. */
  readonly variants?: readonly Engine[]
}

export interface Service {
  readonly role: NodeRole
  /** `serve` and `work` are the entries here; any other is a server, by its folder in `servers/`. */
  readonly program: string
  /** A database: the server whose tables are there before the first start. */
  readonly schema?: string
  /** A number, or by name from the cell's plan. */
  readonly replicas: number | 'api' | 'executor'
  /** What it connects to; each is a link with a fault point. */
  readonly dials: readonly (NodeRole | 'tools' | 'receiver')[]
}

/** Default export of `deliveries/<name>/server.ts`. */
export interface DeliveryServer {
  /** The API of this delivery over a backend. When `drain` aborts, held connections end at once and say where to go on. */
  routes(backend: Backend, settings: NodeSettings, drain: AbortSignal): Hono
  /** Takes the connections that the routes upgrade. Absent: this delivery upgrades none. */
  openSockets?(): WebSocketServer
  /** Makes attempts to post callbacks, in whichever node the engine's `notifier` names. Absent: this delivery posts none. */
  notify?(settings: NodeSettings): Notify
  /** The secret (`whsec_...`, Standard Webhooks) under which callbacks to this address are signed. Absent: they are not. */
  endpointSecret?(token: string, url: string): string
}

/** The server half of a delivery, by folder name. */
export async function loadDeliveryServer(name: string): Promise<DeliveryServer> {
  return (await loadModule<{ default: DeliveryServer }>(name, 'server')).default
}

/** How a node of this delivery posts callbacks; where the delivery posts none, what is owed is dead. */
export async function openNotify(settings: NodeSettings): Promise<Notify> {
  const server = await loadDeliveryServer(settings.delivery)
  return server.notify?.(settings) ?? postNothing
}

const postNothing: Notify = async (callback) =>
  recordAttempt(callback, Date.now(), {
    detail: 'this delivery posts no callbacks',
    decision: { next: 'dead', reason: 'blocked' },
  })

/** A module of a delivery's folder. Throws for a name that is no folder's. */
export async function loadModule<M>(name: string, file: 'server' | 'client'): Promise<M> {
  if (!/^[a-z][a-z0-9-]*$/.test(name)) throw new Error(`"${name}" is not the name of a folder in patterns/deliveries`)
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return (await import(new URL(`../../deliveries/${name}/${file}.${extension}`, import.meta.url).href)) as M
}
