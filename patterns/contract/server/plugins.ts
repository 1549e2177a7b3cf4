import { recordAttempt, type Notify } from '../types/callback.ts'
import type { NodeSettings } from '../types/settings.ts'
import type { Delivery } from '../types/delivery.ts'
import type { Protocol } from '../types/protocol.ts'
import type { DeliveryServer } from './delivery-server.ts'

/** The server half of a delivery, by folder name. */
export async function loadDeliveryServer(name: string): Promise<DeliveryServer> {
  return (await loadModule<{ default: DeliveryServer }>(name, 'server')).default
}

/** The protocol of a delivery that has its own; undefined for one that serves the task API. */
export async function loadProtocol(name: string): Promise<Protocol | undefined> {
  const { default: delivery } = await loadModule<{ default: Delivery }>(name, 'delivery')
  return delivery.ownProtocol && (await loadModule<{ default: Protocol }>(name, 'protocol')).default
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
export async function loadModule<M>(name: string, file: 'delivery' | 'server' | 'client' | 'protocol'): Promise<M> {
  if (!/^[a-z][a-z0-9-]*$/.test(name)) throw new Error(`"${name}" is not the name of a folder in patterns/deliveries`)
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return (await import(new URL(`../../deliveries/${name}/${file}.${extension}`, import.meta.url).href)) as M
}
