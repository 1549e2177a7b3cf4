import { ProblemError } from '../types/problems.ts'

/** What a node holds open at a time: streams, sockets, answers that are held back. Each costs memory for as long as it is. */
export class Places {
  readonly #most: number
  #taken = 0

  constructor(most: number) {
    this.#most = most
  }

  /** Gives the place back, once; undefined when all are taken. */
  take(): (() => void) | undefined {
    if (this.#taken >= this.#most) return undefined
    this.#taken++
    let isTaken = true
    return () => {
      if (isTaken) this.#taken--
      isTaken = false
    }
  }

  /** Likewise, or the problem that there is none. */
  require(taskId: string): () => void {
    const giveBack = this.take()
    if (giveBack) return giveBack
    throw new ProblemError('temporary-reduced-capacity', 'this node holds as many connections as it may', taskId)
  }
}
