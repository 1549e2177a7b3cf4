import type { StepDone } from '../../agent/step.ts'
import { performAt, type StepWork, type Workplace } from '../../contract/engine/workplace.ts'

/**
 * A step that this process performs. One that is limited stops before its tool call until it is told that it is its turn: that
 * is up to its run, which may be somewhere between two attempts meanwhile. So it outlives the attempt that began it.
 */
export interface StepUnderWay {
  /** `ready`: it stands before its tool call. An abort of `signal` stops it. */
  untilReady(signal: AbortSignal): Promise<StepDone | 'ready'>
  /** It is its turn. An abort of `signal` stops it. */
  callTool(signal: AbortSignal): Promise<StepDone>
  stop(reason: unknown): void
}

export function beginStep(place: Workplace, work: StepWork, isLimited: boolean): StepUnderWay {
  const stop = new AbortController()
  const turn = Promise.withResolvers<void>()
  const ready = Promise.withResolvers<'ready'>()
  const beforeTool = (): Promise<void> => {
    ready.resolve('ready')
    return turn.promise
  }
  stop.signal.addEventListener('abort', () => turn.reject(stop.signal.reason))
  const done = performAt(place, { ...work, ...(isLimited && { beforeTool }) }, stop.signal)
  // Who asks for it hears of it; perhaps nobody asks any more.
  for (const unheard of [done, turn.promise]) unheard.catch(() => {})

  async function stoppedBy<T>(signal: AbortSignal, act: () => Promise<T>): Promise<T> {
    const onAbort = (): void => stop.abort(signal.reason)
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort)
    return act().finally(() => signal.removeEventListener('abort', onAbort))
  }
  return {
    untilReady: (signal) => stoppedBy(signal, () => Promise.race([ready.promise, done])),
    callTool: (signal) => {
      turn.resolve()
      return stoppedBy(signal, () => done)
    },
    stop: (reason) => stop.abort(reason),
  }
}
