import { monotonicMs } from '../core/clock.ts'
import { exitCodes, HarnessError } from '../core/errors.ts'
import { say } from './output.ts'

/** A terminal signals a whole group and npm passes signals on: one Ctrl-C can arrive several times. */
const echoMs = 500

/** When a run is to end by itself, and how that was written. */
export interface TimeLimit {
  readonly ms: number
  readonly text: string
}

/**
 * The first signal, or the end of the time, asks what is under way to end well; the second signal ends this process at once.
 * The reason of the abort says by what.
 */
export function listenForInterrupts(limit?: TimeLimit): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController()
  let signalledAt = -Infinity
  const interrupt = (by: string, more: string): void => {
    say(`${by}: healing faults and ending nodes${more}`)
    controller.abort(new HarnessError(by))
  }
  const onSignal = (signal: NodeJS.Signals): void => {
    if (monotonicMs() - signalledAt < echoMs) return
    if (controller.signal.aborted) process.exit(exitCodes.invalid)
    signalledAt = monotonicMs()
    interrupt(signal, '; once more to leave at once')
  }
  const timer = limit && setTimeout(() => controller.signal.aborted || interrupt(limit.text, ''), limit.ms)
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, onSignal)
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      clearTimeout(timer)
      for (const signal of signals) process.off(signal, onSignal)
    },
  }
}
