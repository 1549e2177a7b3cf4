/** The commands that were sent to a task, counted alike by its workflow and by the readers of its history. */
export interface Mailbox {
  readonly size: number
  /** False: one of its id was there before. Whoever reaches the server may send what is no command at all. */
  receive(signalled: unknown): boolean
  /** In order, without the first `count`. */
  after(count: number): readonly unknown[]
  /** Ids of the first `count`. */
  first(count: number): ReadonlySet<unknown>
}

/** It is used in the sandbox of workflows too: no Node here, and no schema. */
export function openMailbox(): Mailbox {
  const received = new Map<unknown, unknown>()
  return {
    get size() {
      return received.size
    },
    receive: (signalled) => {
      const id = (signalled as { readonly id?: unknown } | null | undefined)?.id
      if (received.has(id)) return false
      received.set(id, signalled)
      return true
    },
    after: (count) => [...received.values()].slice(count),
    first: (count) => new Set([...received.keys()].slice(0, count)),
  }
}
