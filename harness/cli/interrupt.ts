import { monotonicMs, startTimer } from '../../patterns/contract/types/timer.ts'
import { HarnessError } from '../core/errors.ts'
import { crash, leaveAtOnce } from './crash.ts'
import { say } from './output.ts'

/** A terminal signals a whole group and npm passes signals on: one Ctrl-C can arrive several times. */
const echoMs = 500

/** When a run is to end by itself, and how that was written. */
export interface TimeLimit {
  readonly ms: number
  readonly text: string
}

/** An interrupt that no caller waits for any more is no failure. */
function isAbandoned(reason: unknown, { aborted, reason: why }: AbortSignal): boolean {
  if (reason instanceof Error && reason.name === 'AbortError') return true
  return aborted && (reason === why || (reason instanceof Error && reason.cause === why))
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
    if (controller.signal.aborted) leaveAtOnce(`left at once by a second ${signal}`)
    signalledAt = monotonicMs()
    interrupt(signal, '; once more to leave at once')
  }
  const onRejection = (reason: unknown): void => {
    if (!isAbandoned(reason, controller.signal)) crash(reason)
  }
  const timer = limit && startTimer(() => controller.signal.aborted || interrupt(limit.text, ''), limit.ms)
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, onSignal)
  process.on('unhandledRejection', onRejection)
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      timer?.cancel()
      for (const signal of signals) process.off(signal, onSignal)
      process.off('unhandledRejection', onRejection)
    },
  }
}
