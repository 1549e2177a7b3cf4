import type { TaskEvent } from '../types/events.ts'
import { isTerminal } from '../types/task.ts'
import { batching } from './batch.ts'

/** A task that a worker holds: what every append must name. */
export interface Claim {
  readonly taskId: string
  readonly owner: string
  /** A fencing token: it grows with every claim of the task. */
  readonly epoch: number
  readonly log: readonly TaskEvent[]
}

/** Another worker owns the task by now: this one forgets what it was doing for it. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost'
}

export interface Entry {
  readonly claim: Claim
  /** The version that it continues. */
  readonly version: number
  readonly events: readonly TaskEvent[]
}

/** What continues a log: given its last event, which may be a newer one when the API has written meanwhile. */
export type Continuation = (head: TaskEvent) => readonly TaskEvent[]

/** What is written after a place in a log, each event with the epoch under which it was. */
export interface Tail {
  /** The claim is still the current one. */
  readonly held: boolean
  readonly tail: readonly { readonly epoch: number; readonly body: TaskEvent }[]
}

export interface JournalStore {
  /** On disk then, each entry by itself. False: its claim or version is not the current one, or its lease may be over. */
  write(entries: readonly Entry[]): Promise<readonly boolean[]>
  tail(claim: Claim, known: TaskEvent): Promise<Tail>
}

export interface Journal {
  /**
   * Append what `next` makes of `head`, in one transaction that only the current lease can make; returns the new head.
   * A lost answer, or an event of the API in between, is found out and dealt with. Throws LeaseLost.
   */
  append(claim: Claim, head: TaskEvent, next: Continuation): Promise<TaskEvent>
  /** The last event now. Throws LeaseLost. */
  head(claim: Claim, known: TaskEvent): Promise<TaskEvent>
}

/** Appends that coincide go together: hundreds of tasks share a commit, and its wait for the disk. */
export function journalOver(store: JournalStore): Journal {
  const write = batching((entries: readonly Entry[]) => store.write(entries), 100)

  async function append(claim: Claim, head: TaskEvent, next: Continuation): Promise<TaskEvent> {
    const events = next(head)
    if (await write({ claim, version: head.seq, events })) return events.at(-1)!
    const { held, tail } = await store.tail(claim, head)
    // Only this lease writes under this epoch: our earlier try was written, and its answer was lost. Without the lease only
    // the task's end counts: after any other event this worker would begin a step that belongs to another one by now.
    const ours = tail[0]?.epoch === claim.epoch
    if (ours && (held || isTerminal(events.at(-1)!.status))) return events.at(-1)!
    if (!held) throw lost(claim)
    const newer = tail.at(-1)?.body
    if (!newer) throw new Error(`task ${claim.taskId}: nothing contradicts the append, and yet it was refused`)
    return append(claim, newer, next)
  }

  return {
    append,
    head: async (claim, known) => {
      const { held, tail } = await store.tail(claim, known)
      if (!held) throw lost(claim)
      return tail.at(-1)?.body ?? known
    },
  }
}

function lost({ taskId }: Claim): LeaseLost {
  return new LeaseLost(`task ${taskId} went to another worker`)
}
