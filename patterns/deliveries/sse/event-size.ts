const [lf, cr, colon] = [10, 13, 58]

/**
 * Counts the bytes of the events of a stream as they come, line breaks of any kind as one, without keeping them. So whether an
 * event is too large does not depend on the pieces in which the network brings it. A comment belongs to none: between two
 * events there may be heartbeats for days.
 */
export class EventSize {
  readonly #most: number
  #bytes = 0
  #lineBytes = 0
  #isAfterCr = false
  #isComment = false
  #isWhole = false

  constructor(most: number) {
    this.#most = most
  }

  /** Of the event that is on its way. */
  get bytes(): number {
    return this.#bytes
  }

  /** It is larger than the most; nothing is counted after it. */
  get isTooLarge(): boolean {
    return this.#bytes > this.#most
  }

  /** And the end of it was seen. */
  get isWhole(): boolean {
    return this.#isWhole
  }

  /** How much of this chunk comes before an event that is too large: all of it where there is none. */
  take(chunk: Buffer): number {
    let start = 0
    for (let at = 0; at < chunk.length && !this.#isWhole;) {
      const end = lineEnd(chunk, at)
      this.#count(chunk, at, end)
      if (end === chunk.length) break
      at = end + 1
      if (!this.#endLine(chunk[end]!)) continue
      if (this.isTooLarge) this.#isWhole = true
      else [this.#bytes, start] = [0, at]
    }
    return this.isTooLarge ? start : chunk.length
  }

  #count(chunk: Buffer, at: number, end: number): void {
    if (this.#lineBytes === 0 && end > at) this.#isComment = chunk[at] === colon
    if (!this.#isComment) this.#bytes += end - at
    this.#lineBytes += end - at
  }

  /** True for the empty line that ends an event. */
  #endLine(byte: number): boolean {
    const isSecondHalf = byte === lf && this.#isAfterCr && this.#lineBytes === 0
    this.#isAfterCr = byte === cr
    const isEmpty = this.#lineBytes === 0
    this.#lineBytes = 0
    if (!isEmpty && !this.#isComment) this.#bytes++
    this.#isComment = false
    return isEmpty && !isSecondHalf
  }
}

/** Where the line that begins here ends, or the chunk does. */
function lineEnd(chunk: Buffer, from: number): number {
  const end = chunk.indexOf(lf, from)
  const line = end === -1 ? chunk.subarray(from) : chunk.subarray(from, end)
  const early = line.indexOf(cr)
  if (early !== -1) return from + early
  return end === -1 ? chunk.length : end
}
