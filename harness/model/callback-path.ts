/** A callback on its way into the receiver of the load side. */
export interface Arrival {
  readonly job: string
  /** Which callback of its job it is, from 1. */
  readonly number: number
  /**
   * Hand it to the receiver, and resolve with the status of its answer. The first time it is the system's own post; every later
   * time it is the fault's, and counts as such.
   */
  deliver(): number
  /** What the receiver would answer if its clock were so many seconds ahead. It takes nothing. */
  judge(aheadS: number): number
  /** A genuine callback of the same task, of when it still ran, by the sender's own code. Resolves with whether it was taken. */
  postProgress(): Promise<boolean>
}

/** Stands between sender and receiver. Resolves with the status that the sender gets. */
export type Intercept = (arrival: Arrival) => number | Promise<number>

/** The way into the receiver, which the harness has in its own hands: one fault at a time may be in it. */
export interface CallbackPath {
  /** Throws where another one is in it. */
  intercept(fault: string, intercept: Intercept): Interception
}

export interface Interception {
  listed(): boolean
  remove(): void
}
