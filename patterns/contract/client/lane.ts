import type { Operation } from './meaning.ts'

/** One request: when it goes out, or when it was at the server for certain. Long ago: it never went. */
export interface Sent {
  atMs: number
}

/** Until when a server wants no requests, and until when that is kept even where a job ends before. */
export interface Hold {
  readonly untilMs: number
  readonly keptUntilMs: number
}
const free: Hold = { untilMs: -Infinity, keptUntilMs: -Infinity }

/** What the calls of one client about one task have in common: which requests went out last, and what the server asked for. */
export class Lane {
  /** Those that still matter, and those that wait for their time. */
  #sent: readonly Sent[] = []
  readonly #holds = new Map<Operation, Hold>()
  #holdOfAll = free

  /** The next request, so late that no three are within `windowMs`. */
  reserve(now: number, windowMs: number): Sent {
    const recent = this.#sent.filter(({ atMs }) => atMs + windowMs > now).toSorted((a, b) => a.atMs - b.atMs)
    const next = { atMs: Math.max(now, (recent.at(-2)?.atMs ?? -Infinity) + windowMs) }
    this.#sent = [...recent, next]
    return next
  }

  /** No request for this before the hold is over; without an operation, for nothing at all. */
  hold(hold: Hold, operation?: Operation): void {
    if (operation === undefined) this.#holdOfAll = later(hold, this.#holdOfAll)
    else this.#holds.set(operation, later(hold, this.holdOf(operation)))
  }

  holdOf(operation: Operation): Hold {
    return later(this.#holds.get(operation) ?? free, this.#holdOfAll)
  }

  /** Whether it matters to nobody any more: a new one would say the same. */
  isClear(now: number, windowMs: number): boolean {
    const holds = [this.#holdOfAll, ...this.#holds.values()]
    return this.#sent.every(({ atMs }) => atMs + windowMs <= now) && holds.every(({ untilMs }) => untilMs <= now)
  }
}

function later(one: Hold, other: Hold): Hold {
  return one.untilMs > other.untilMs ? one : other
}

/** The lanes of one client, by what its calls are about: for as long as there are such calls, or an earlier one still matters. */
export class Lanes {
  readonly #lanes = new Map<string, { lane: Lane; calls: number }>()
  readonly #now: () => number
  readonly #windowMs: number

  constructor(now: () => number, windowMs: number) {
    this.#now = now
    this.#windowMs = windowMs
  }

  get size(): number {
    return this.#lanes.size
  }

  /** A call about this begins. `own`: its lane so far, which is taken where there is no other one. */
  enter(name: string, own?: Lane): Lane {
    const known = this.#lanes.get(name) ?? { lane: own ?? new Lane(), calls: 0 }
    known.calls++
    this.#lanes.set(name, known)
    return known.lane
  }

  /** It has ended. */
  leave(name: string): void {
    const known = this.#lanes.get(name)
    if (known) known.calls--
    this.#sweep()
  }

  /** From the oldest on, and a few at a time: each call that ends takes more away than it leaves. */
  #sweep(): void {
    let looks = 4
    for (const [name, one] of this.#lanes) {
      if (looks-- === 0) return
      // What is kept goes to the end, so that nothing hides behind it.
      this.#lanes.delete(name)
      if (one.calls > 0 || !one.lane.isClear(this.#now(), this.#windowMs)) this.#lanes.set(name, one)
    }
  }
}
