/**
 * Work for thousands of connections, in portions per turn of the event loop, so that a request meanwhile is answered
 * within milliseconds.
 */
export class Turns {
  readonly #most: number
  readonly #waiting: (() => void)[] = []
  #left: number
  #isOpen = false

  constructor(most = 64) {
    this.#most = this.#left = most
  }

  /** Resolves when it is the caller's turn, in the order of asking; undefined: at once. */
  next(): Promise<void> | undefined {
    this.#open()
    if (this.#left > 0 && this.#waiting.length === 0) {
      this.#left--
      return undefined
    }
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #open(): void {
    if (this.#isOpen) return
    this.#isOpen = true
    setImmediate(() => {
      this.#isOpen = false
      this.#left = this.#most
      for (const go of this.#waiting.splice(0, this.#left)) {
        this.#left--
        go()
      }
      if (this.#waiting.length > 0) this.#open()
    })
  }
}
