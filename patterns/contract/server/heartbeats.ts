import type { Timing } from '../types/timing.ts'
import type { Turns } from './turns.ts'

/** A connection that must not fall silent. */
export interface Beating {
  /** Ticks since the last output; a writer sets it to 0. */
  quietTicks: number
  beat(): void
}

/**
 * The heartbeats of a node's held connections, all from one timer, on ticks half an interval apart: thousands that idle wake
 * the process together. Each falls silent for between half an interval and a whole one.
 */
export class Heartbeats {
  readonly #members = new Set<Beating>()
  readonly #turns: Turns
  readonly #tickMs: number
  #timer: NodeJS.Timeout | undefined

  constructor({ heartbeatMs }: Timing, turns: Turns) {
    this.#tickMs = heartbeatMs / 2
    this.#turns = turns
  }

  add(member: Beating): void {
    this.#members.add(member)
    this.#timer ??= setInterval(() => void this.#tick(), this.#tickMs)
  }

  delete(member: Beating): void {
    this.#members.delete(member)
    if (this.#members.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  async #tick(): Promise<void> {
    const due: Beating[] = []
    for (const member of this.#members) if (++member.quietTicks >= 2) due.push(member)
    for (const member of due) {
      await this.#turns.next()
      if (member.quietTicks < 2 || !this.#members.has(member)) continue
      member.quietTicks = 0
      member.beat()
    }
  }
}
