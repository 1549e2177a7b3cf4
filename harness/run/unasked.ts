import type { Amount } from '../core/allowance.ts'

export interface KeptLimits {
  readonly each: Amount
  readonly bytes: number
}

/** What came before anybody asked for it, by name. */
export interface Unasked<T> {
  keep(name: string, thing: T, bytes: number): void
  /** The oldest under this name, once. */
  next(name: string): T | undefined
}

interface Queue<T> {
  readonly things: { readonly thing: T; readonly bytes: number }[]
  bytes: number
}

/**
 * Keeps so much and no more. Where all is too much, the name that began first goes: most names are not asked for again. So
 * nothing is lost until somebody asks for what is gone: only then `onLost` hears of the name, once for each time that it was
 * asked for in vain, and why.
 */
export function keepUnasked<T>(
  { each, bytes: mostBytes }: KeptLimits,
  onLost: (name: string, why: string) => void,
): Unasked<T> {
  const queues = new Map<string, Queue<T>>()
  const gone = new Map<string, string>()
  let total = 0

  function forgetOldest(): void {
    const [name, queue] = queues.entries().next().value!
    queues.delete(name)
    total -= queue.bytes
    gone.set(name, `more than ${mostBytes} bytes for which no client had asked`)
  }

  return {
    keep(name, thing, bytes) {
      const queue = queues.get(name) ?? { things: [], bytes: 0 }
      const why = fullness(queue, bytes, each)
      if (why !== undefined) {
        gone.set(name, why)
        return
      }
      queue.things.push({ thing, bytes })
      queue.bytes += bytes
      total += bytes
      queues.set(name, queue)
      while (total > mostBytes) forgetOldest()
    },
    next(name) {
      const queue = queues.get(name)
      const first = queue?.things.shift()
      if (queue && first) {
        queue.bytes -= first.bytes
        total -= first.bytes
        if (queue.things.length === 0) queues.delete(name)
        return first.thing
      }
      const why = gone.get(name)
      if (why !== undefined) onLost(name, why)
      gone.delete(name)
      return undefined
    },
  }
}

function fullness<T>({ things, bytes }: Queue<T>, more: number, each: Amount): string | undefined {
  if (things.length >= each.count) return `more than ${each.count} before its client asked`
  return bytes + more > each.bytes ? `more than ${each.bytes} bytes before its client asked` : undefined
}
