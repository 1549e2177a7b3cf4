import type { Hono } from 'hono'
import type { WebSocketServer } from 'ws'
import type { Backend } from '../engine/backend.ts'
import type { Notify } from '../types/callback.ts'
import type { NodeSettings } from '../types/settings.ts'

/** Default export of `deliveries/<name>/server.ts`. */
export interface DeliveryServer {
  /** The API of this delivery over a backend. When `drain` aborts, held connections end at once and say where to go on. */
  routes(backend: Backend, settings: NodeSettings, drain: AbortSignal): Hono
  /** Takes the connections that the routes upgrade. Absent: this delivery upgrades none. */
  openSockets?(): WebSocketServer
  /** Makes attempts to post callbacks, in whichever node the engine's `notifier` names. Absent: this delivery posts none. */
  notify?(settings: NodeSettings): Notify
  /** The secret (`whsec_...`, Standard Webhooks) under which callbacks are signed. Absent: they are not. */
  endpointSecret?(token: string): string
}
