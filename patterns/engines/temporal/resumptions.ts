import type { Decider } from './protocol.ts'

/** What counts as one more attempt, for the workflow and for the readers of its history alike. */
export interface Resumptions {
  /** Whether this decision is the first of another process, and its crash was not counted with the lost step. */
  decidedBy(decider: Decider): boolean
  /** A step was lost and will be performed again, which is an attempt by itself. */
  stepResumed(): void
}

/** Mostly one process both decides and performs the step, so that one crash shows twice. */
export function openResumptions(): Resumptions {
  let life: string | undefined
  let isCounted = true
  return {
    decidedBy: (decider) => {
      const another = life !== decider.life && !isCounted
      life = decider.life
      isCounted = false
      return another
    },
    stepResumed: () => {
      isCounted = true
    },
  }
}
