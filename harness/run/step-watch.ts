import type { LedgerEffect } from './ledger.ts'
import { jobKey } from './jobs.ts'

export interface StepWatch {
  /** Feed: an effect as the ledger announced it. */
  saw(effect: LedgerEffect): void
  /** Resolves once the task (ordinal from 1, as people count) has done the step; rejects when the signal aborts. */
  wait(task: number, step: number, signal: AbortSignal): Promise<void>
}

/** Lets faults wait for a step of a task. */
export function watchSteps(): StepWatch {
  const seen = new Set<string>()
  const waiting = new Map<string, (() => void)[]>()
  return {
    saw({ task, step }) {
      const name = `${task}/${step}`
      seen.add(name)
      waiting.get(name)?.forEach((wake) => wake())
      waiting.delete(name)
    },
    wait: (task, step, signal) =>
      new Promise((resolve, reject) => {
        const name = `${jobKey(task - 1)}/${step}`
        if (seen.has(name)) return resolve()
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
        waiting.set(name, [...(waiting.get(name) ?? []), resolve])
      }),
  }
}
