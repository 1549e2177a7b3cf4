import type { TaskEvent } from '../../patterns/contract/types/events.ts'
import { jsonIn } from './http.ts'
import { eventOf } from './tasks.ts'

/** What one message of a socket is. Without either it is nothing of ours, such as a ping of the service's own. */
export interface Message {
  readonly event?: TaskEvent
  /** `command.ack` or `command.refused`: no event, since it has no place in the log. */
  readonly answer?: Readonly<Record<string, unknown>>
}

/**
 * Clients pass over what bears no name of an event and no place in the log (`contract/client/README.md`, Streams), whatever it
 * is: text, another object. Throws Breach for what is meant as an event and is none.
 */
export function messageIn(text: string): Message {
  const value = jsonIn(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {}
  const said = value as Readonly<Record<string, unknown>>
  const type = String(said['type'])
  if (type.startsWith('command.')) return { answer: said }
  return /^(?:task|context)\./.test(type) || 'seq' in said ? { event: eventOf(said) } : {}
}
