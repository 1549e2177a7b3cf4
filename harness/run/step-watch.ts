import { nodeOf } from '../analysis/places.ts'
import type { LedgerEffect } from './ledger.ts'
import { jobKey } from './jobs.ts'

export interface StepWatch {
  /** Feed: an effect as the ledger announced it. */
  saw(effect: LedgerEffect): void
  /**
   * Resolves once the task (ordinal from 1, as people count) has done the step, with the name of the node that did it; rejects
   * when the signal aborts.
   */
  wait(task: number, step: number, signal: AbortSignal): Promise<string>
}

/** Lets faults wait for a step of a task. */
export function watchSteps(): StepWatch {
  const seen = new Map<string, string>()
  const waiting = new Map<string, ((executor: string) => void)[]>()
  return {
    saw({ task, step, executor }) {
      const name = `${task}/${step}`
      const node = nodeOf(executor)
      seen.set(name, node)
      waiting.get(name)?.forEach((wake) => wake(node))
      waiting.delete(name)
    },
    wait: (task, step, signal) =>
      new Promise((resolve, reject) => {
        const name = `${jobKey(task - 1)}/${step}`
        const node = seen.get(name)
        if (node !== undefined) return resolve(node)
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
        waiting.set(name, [...(waiting.get(name) ?? []), resolve])
      }),
  }
}
