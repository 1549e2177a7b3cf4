import type { TaskEvent } from '../types/events.ts'
import { isTerminal } from '../types/task.ts'
import { batching } from './batch.ts'
import type { KnownLog } from './known-log.ts'

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

/** What continues a log, as it is known then: the API may have written meanwhile. Nothing: there is nothing to write. */
export type Continuation = () => readonly TaskEvent[]

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
   * Append what `next` makes of the log, in one transaction that only the current lease can make, and add it to `log`. A lost
   * answer is found out. Events of the API in between are added first, and `next` is asked again. Throws LeaseLost.
   */
  append(claim: Claim, log: KnownLog, next: Continuation): Promise<void>
  /** Add what was written since. Throws LeaseLost. */
  refresh(claim: Claim, log: KnownLog): Promise<void>
}

/** Appends that coincide go together: hundreds of tasks share a commit, and its wait for the disk. */
export function journalOver(store: JournalStore): Journal {
  const write = batching((entries: readonly Entry[]) => store.write(entries), 100)

  async function append(claim: Claim, log: KnownLog, next: Continuation): Promise<void> {
    const { head } = log
    const events = next()
    if (events.length === 0) return
    if (await write({ claim, version: head.seq, events })) return log.add(events)
    const { held, tail } = await store.tail(claim, head)
    // Only this lease writes under this epoch: our earlier try was written, and its answer was lost. Without the lease only
    // the task's end counts: after any other event this worker would begin a step that belongs to another one by now.
    const ours = tail[0]?.epoch === claim.epoch
    if (ours && (held || isTerminal(events.at(-1)!.status))) return log.add(events)
    if (!held) throw lost(claim)
    if (tail.length === 0)
      throw new Error(`task ${claim.taskId}: nothing contradicts the append, and yet it was refused`)
    log.add(tail.map(({ body }) => body))
    return append(claim, log, next)
  }

  return {
    append,
    refresh: async (claim, log) => {
      const { held, tail } = await store.tail(claim, log.head)
      if (!held) throw lost(claim)
      log.add(tail.map(({ body }) => body))
    },
  }
}

function lost({ taskId }: Claim): LeaseLost {
  return new LeaseLost(`task ${taskId} went to another worker`)
}
