import type { ClientPorts, Job } from './client.ts'
import { Lane, type Sent } from './lane.ts'
import { sleep } from '../types/timer.ts'
import type { Timing } from '../types/timing.ts'
import type { Operation } from './meaning.ts'

/** Why the next request has to wait. */
export interface Pause {
  /** What the server asks for: `Retry-After`, or the `retry` of a stream. It lengthens the wait and never shortens it. */
  readonly adviceMs?: number | undefined
  /** The client's own shortest wait. */
  readonly atLeastMs?: number
  /** The advice is about the client, whatever it asks for. */
  readonly isForAll?: boolean
}

function zeroes(): Record<Operation, number> {
  return { submit: 0, read: 0, stream: 0, cancel: 0, command: 0 }
}

type Clock = Pick<ClientPorts, 'now' | 'random'>

/**
 * When the next request of one call about a task may go out: the only place that says so, whatever the request is for.
 *
 * - At most two requests a second, whatever a server says, of all calls that have the same lane.
 * - What a server asks for when it refuses holds for all of these calls.
 * - A server's advice is a minimum, but it parks nobody for ever: it is cut at `adviceCapMs`.
 * - Failures in a row double the wait, up to a cap, with jitter. Only what brought news ends such a row: bytes are none.
 * - A wait that would outlast the job ends a little before it, for a last try.
 */
export class Pace {
  readonly #clock: Clock
  readonly #timing: Timing
  readonly #giveUpAt: number
  readonly #failures = zeroes()
  readonly #notBefore = zeroes()
  /** The last one of each kind. */
  readonly #sent = new Map<Operation, Sent>()
  /** May become another one: of a task whose id is learned. */
  lane: Lane

  constructor(clock: Clock, timing: Timing, { giveUpAt }: Pick<Job, 'giveUpAt'>, lane = new Lane()) {
    this.lane = lane
    this.#clock = clock
    this.#timing = timing
    this.#giveUpAt = giveUpAt
  }

  /** Resolves when a request for this may go out; rejects with the signal's reason. */
  async turn(operation: Operation, signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#until(this.#freeAt(operation), signal)
      const sent = this.lane.reserve(this.#clock.now(), windowMs(this.#timing))
      this.#sent.set(operation, sent)
      await this.#until(sent.atMs, signal).catch((error: unknown) => this.#giveBack(sent, error))
      // What another call heard meanwhile may hold this one back for longer. A timer is a fraction of a millisecond early.
      if (this.#freeAt(operation) - this.#clock.now() < 1) return
      this.#giveBack(sent)
    }
  }

  /** The last request for this never left: it cost nobody anything. */
  unsent(operation: Operation): void {
    const sent = this.#sent.get(operation)
    if (sent) this.#giveBack(sent)
  }

  /** The last request for this has arrived by now: the way there may have taken a while. */
  arrived(operation: Operation): void {
    const sent = this.#sent.get(operation)
    if (sent) sent.atMs = Math.max(sent.atMs, this.#clock.now())
  }

  /** What was asked for brought news. */
  progressed(operation: Operation): void {
    this.#failures[operation] = 0
  }

  /** The next one not before this. */
  pause(operation: Operation, { adviceMs = 0, atLeastMs = 0 }: Pause): void {
    const wantedMs = Math.max(atLeastMs, Math.min(adviceMs, this.#timing.adviceCapMs))
    this.#wait(operation, wantedMs, wantedMs)
  }

  /** The same after a failure: longer after each. The first one after news may be followed at once. */
  backOff(operation: Operation, { adviceMs = 0, atLeastMs = 0, isForAll = false }: Pause = {}): void {
    const { backoffBaseMs, backoffCapMs, streamBackoffCapMs, adviceCapMs, paceMs } = this.#timing
    const failures = this.#failures[operation]++
    const stepMs = Math.min(
      operation === 'stream' ? streamBackoffCapMs : backoffCapMs,
      backoffBaseMs * 2 ** Math.min(failures, 30),
    )
    const jitter = this.#clock.random()
    const ownMs = failures === 0 ? stepMs * jitter : stepMs * (0.5 + 0.5 * jitter)
    // Those who were sent away together must not come back together.
    const heededMs = adviceMs > 0 ? Math.min(adviceMs, adviceCapMs) + backoffBaseMs * jitter : 0
    if (heededMs > 0) this.#hold(heededMs, isForAll ? undefined : operation)
    const leastMs = Math.max(heededMs, atLeastMs)
    // Before the end a stream gets no last try of its own: it would have to bring the whole log in a moment.
    this.#wait(
      operation,
      Math.max(ownMs, leastMs),
      operation === 'stream' ? Math.max(ownMs, leastMs) : Math.max(leastMs, paceMs),
    )
  }

  /** No request at all before this: what is wrong is wrong however it is asked for. */
  hush(delayMs: number): void {
    const at = this.#clock.now() + delayMs
    for (const operation of Object.keys(this.#notBefore) as Operation[])
      this.#notBefore[operation] = Math.max(this.#notBefore[operation], at)
  }

  /**
   * A wait that would outlast the job ends with a last try: a submission's leaves time for the work. What is asked for as `leastMs` is kept
   * all the same, up to half a minute.
   */
  #wait(operation: Operation, wantedMs: number, leastMs: number): void {
    const now = this.#clock.now()
    const leftMs = this.#giveUpAt - now
    const lastMs = operation === 'submit' ? leftMs / 2 : leftMs - this.#timing.lastTryMs
    const keptMs = Math.min(leastMs, this.#timing.patienceMs)
    this.#notBefore[operation] = now + (wantedMs <= lastMs ? wantedMs : Math.min(wantedMs, Math.max(lastMs, keptMs)))
  }

  /** Its place is another one's. */
  #giveBack(sent: Sent, error?: unknown): void {
    sent.atMs = -Infinity
    if (error !== undefined) throw error as Error
  }

  /** The same of what was asked of all calls, each of which has an end of its own. */
  #freeAt(operation: Operation): number {
    // Before its submission is answered no other call knows of the task, and its last try is not as late as others'.
    if (operation === 'submit') return this.#notBefore.submit
    const { untilMs, keptUntilMs } = this.lane.holdOf(operation)
    const lastAt = this.#giveUpAt - this.#timing.lastTryMs
    const heldUntil = untilMs <= lastAt ? untilMs : Math.min(untilMs, Math.max(lastAt, keptUntilMs))
    return Math.max(this.#notBefore[operation], heldUntil)
  }

  #hold(delayMs: number, operation?: Operation): void {
    const now = this.#clock.now()
    const keptUntilMs = now + Math.min(delayMs, this.#timing.patienceMs)
    this.lane.hold({ untilMs: now + delayMs, keptUntilMs }, operation)
  }

  async #until(at: number, signal: AbortSignal): Promise<void> {
    const delayMs = at - this.#clock.now()
    if (delayMs > 0) await sleep(delayMs, signal)
    else signal.throwIfAborted()
  }
}

/** In this time at most two requests about a task go out: a little more than a second, since the ways to a server differ. */
export function windowMs({ paceMs }: Timing): number {
  return 1.1 * paceMs
}
