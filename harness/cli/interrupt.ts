import { monotonicMs } from '../core/clock.ts'
import { exitCodes, HarnessError } from '../core/errors.ts'
import { say } from './output.ts'

/** A terminal signals a whole group and npm passes signals on: one Ctrl-C can arrive several times. */
const echoMs = 500

/** The first signal asks what is under way to end well; the second ends this process at once. */
export function listenForInterrupts(): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController()
  let abortedAt = 0
  const onSignal = (signal: NodeJS.Signals): void => {
    if (controller.signal.aborted && monotonicMs() - abortedAt < echoMs) return
    if (controller.signal.aborted) process.exit(exitCodes.invalid)
    abortedAt = monotonicMs()
    say(`${signal}: healing faults and ending nodes; once more to leave at once`)
    controller.abort(new HarnessError(`interrupted by ${signal}`))
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, onSignal)
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const signal of signals) process.off(signal, onSignal)
    },
  }
}
