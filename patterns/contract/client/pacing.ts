import type { ClientPorts, Job } from './client.ts'
import { sleep } from '../types/timer.ts'
import type { Timing } from '../types/timing.ts'
import type { Operation } from './meaning.ts'

/** Why the next request has to wait. */
export interface Pause {
  /** What the server asks for: `Retry-After`, or the `retry` of a stream. It lengthens the wait and never shortens it. */
  readonly adviceMs?: number | undefined
  /** The client's own shortest wait. */
  readonly atLeastMs?: number
}

interface Sent {
  readonly operation?: Operation
  readonly atMs: number
}
const longAgo: Sent = { atMs: -Infinity }

function zeroes(): Record<Operation, number> {
  return { submit: 0, read: 0, stream: 0, cancel: 0, command: 0 }
}

type Clock = Pick<ClientPorts, 'now' | 'random'>

/**
 * When the next request about one task may go out: the only place that says so, whatever the request is for.
 *
 * - At most two requests a second, whatever a server says.
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
  /** The last two requests, and when they were at the server for certain. */
  #sent: readonly [Sent, Sent] = [longAgo, longAgo]

  constructor(clock: Clock, timing: Timing, { giveUpAt }: Pick<Job, 'giveUpAt'>) {
    this.#clock = clock
    this.#timing = timing
    this.#giveUpAt = giveUpAt
  }

  /** Resolves when a request for this may go out; rejects with the signal's reason. */
  async turn(operation: Operation, signal: AbortSignal): Promise<void> {
    await this.#until(this.#notBefore[operation], signal)
    const [twoAgo, last] = this.#sent
    const atMs = Math.max(this.#clock.now(), twoAgo.atMs + this.#windowMs)
    this.#sent = [last, { operation, atMs }]
    await this.#until(atMs, signal)
  }

  /** The last request for this never left: it cost nobody anything. */
  unsent(operation: Operation): void {
    if (this.#sent[1].operation === operation) this.#sent = [longAgo, this.#sent[0]]
  }

  /** The last request for this has arrived by now: the way there may have taken a while. */
  arrived(operation: Operation): void {
    const late = { operation, atMs: this.#clock.now() }
    const [twoAgo, last] = this.#sent
    if (last.operation === operation) this.#sent = [twoAgo, late]
    else if (twoAgo.operation === operation) this.#sent = [late, last]
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
  backOff(operation: Operation, { adviceMs = 0, atLeastMs = 0 }: Pause = {}): void {
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

  get #windowMs(): number {
    return 1.1 * this.#timing.paceMs
  }

  async #until(at: number, signal: AbortSignal): Promise<void> {
    const delayMs = at - this.#clock.now()
    if (delayMs > 0) await sleep(delayMs, signal)
    else signal.throwIfAborted()
  }
}
