import type { ServerResponse } from 'node:http'
import type { PartLog } from './part-log.ts'

/** One who reads the stream. */
interface Viewer {
  readonly response: ServerResponse
  /** The last change that was sent. */
  at: number
  /** When its connection last took all that it was given; undefined: it does now. */
  stuckSince: number | undefined
  saidAt: number
}

/** More tabs than anybody has open: each costs memory. */
const mostViewers = 16
/** Who takes nothing for so long is dropped. It comes back by itself, and goes on where it was. */
const patienceMs = 10_000
/** Silence beyond it makes proxies and people doubt. */
const heartbeatMs = 15_000

/** Those who read the stream of one log. None is ever waited for, and none holds more than one portion of it in memory. */
export class Viewers {
  readonly #log: PartLog
  readonly #now: () => number
  readonly #all = new Set<Viewer>()

  constructor(log: PartLog, now: () => number) {
    this.#log = log
    this.#now = now
  }

  get count(): number {
    return this.#all.size
  }

  get isFull(): boolean {
    return this.#all.size >= mostViewers
  }

  /** Begins the stream of one whose answer has begun, after the places that it names. */
  add(response: ServerResponse, places: readonly (string | undefined)[]): void {
    const { frames, at } = this.#log.resume(places)
    const viewer: Viewer = { response, at, stuckSince: undefined, saidAt: this.#now() }
    this.#all.add(viewer)
    response.once('close', () => this.#all.delete(viewer))
    response.write(`retry: 1000\n\n${frames}`)
  }

  /** What each has not seen yet. Who still has the last portion before it gets the next one later, with what changes meanwhile. */
  send(): void {
    for (const viewer of this.#all) {
      if (this.#isStuck(viewer)) continue
      const frames = this.#log.framesAfter(viewer.at)
      viewer.at = this.#log.version
      const isQuiet = this.#now() - viewer.saidAt >= heartbeatMs
      if (frames === '' && !isQuiet) continue
      viewer.saidAt = this.#now()
      viewer.response.write(frames === '' ? ':\n\n' : frames)
    }
  }

  #isStuck(viewer: Viewer): boolean {
    if (!viewer.response.writableNeedDrain) {
      viewer.stuckSince = undefined
      return false
    }
    viewer.stuckSince ??= this.#now()
    if (this.#now() - viewer.stuckSince >= patienceMs) viewer.response.destroy()
    return true
  }

  /** The last word to all. */
  end(told: object): void {
    const frame = `event: end\ndata: ${JSON.stringify(told)}\n\n`
    for (const { response } of this.#all) response.end(frame)
    this.#all.clear()
  }
}
