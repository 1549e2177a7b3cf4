import { monotonicMs } from '../../../patterns/contract/types/timer.ts'
import type { MachineHealth } from '../../model/machine.ts'

const tickMs = 100

/** The longest standstill of this process's own clock: it was stopped or swapped out, or its machine was. */
export function watchStandstill(): Disposable & {
  start(epochMs: number): void
  longest(): MachineHealth['standstill']
} {
  let epochMs = Infinity
  let last = 0
  let longest = { at: 0, ms: 0 }
  const look = (): void => {
    const now = monotonicMs()
    const from = Math.max(last, epochMs)
    const ms = now - from - tickMs
    if (ms > longest.ms) longest = { at: Math.round(from - epochMs), ms: Math.round(ms) }
    last = now
  }
  const ticker = setInterval(look, tickMs)
  return {
    start: (epoch) => void (epochMs = epoch),
    longest() {
      look()
      return longest
    },
    [Symbol.dispose]: () => clearInterval(ticker),
  }
}
