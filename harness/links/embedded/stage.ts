import { monotonicMs } from '../../core/clock.ts'
import { createQueue } from './queue.ts'
import type { ToxicHooks } from './toxic.ts'

/** What travels through a stream, in order: bytes, then at most one of FIN and RST. */
export type Item = Buffer | 'end' | 'reset'

/** Waits shorter than a timer can measure are not waited. */
const shortestWaitMs = 0.5
const longestTimerMs = 2 ** 31 - 1

/** One toxic in a stream: takes items in order, works on one at a time, and passes the outcome on. */
export interface Stage {
  /** Bytes that wait here. */
  waitingBytes(): number
  push(item: Item): void
  /** Finish the work in progress without waiting. */
  hurry(): void
  /** Pass on all that waits, in order and untouched, and stay empty. */
  release(): void
  /** Forget everything. */
  stop(): void
}

export function createStage(hooks: ToxicHooks, passOn: (item: Item) => void): Stage {
  const queue = createQueue<{ readonly item: Item; readonly at: number }>()
  let work: Iterator<Item | number> | undefined
  let timer: NodeJS.Timeout | undefined
  let waiting = false
  let waitingBytes = 0
  let workBytes = 0

  const advance = (patient: boolean): void => {
    while (!waiting) {
      work ??= begin()
      if (!work) return
      const { value, done } = work.next()
      if (done) finish()
      else if (typeof value !== 'number') passOn(value)
      else if (patient && value >= shortestWaitMs) waitUntil(monotonicMs() + value)
    }
  }
  const begin = (): Iterator<Item | number> | undefined => {
    const next = queue.shift()
    if (!next) return undefined
    workBytes = sizeOf(next.item)
    return apply(hooks, next.item, next.at)
  }
  const finish = (): void => {
    work = undefined
    waitingBytes -= workBytes
    workBytes = 0
  }
  // Node's timers count from the loop's cached time and fire early by as much as the loop is late.
  const waitUntil = (deadline: number): void => {
    const restMs = deadline - monotonicMs()
    waiting = restMs >= shortestWaitMs
    if (waiting) timer = setTimeout(waitUntil, Math.min(Math.ceil(restMs), longestTimerMs), deadline)
    else advance(true)
  }
  const finishWork = (): void => {
    clearTimeout(timer)
    waiting = false
    for (const value of rest(work)) if (typeof value !== 'number') passOn(value)
    finish()
  }

  return {
    waitingBytes: () => waitingBytes,
    push(item) {
      waitingBytes += sizeOf(item)
      queue.push({ item, at: monotonicMs() })
      advance(true)
    },
    hurry() {
      finishWork()
      advance(true)
    },
    release() {
      finishWork()
      for (let next = queue.shift(); next; next = queue.shift()) passOn(next.item)
      waitingBytes = 0
    },
    stop() {
      clearTimeout(timer)
      // Whatever is still pushed by mistake stays in the queue of a stage that waits for ever.
      waiting = true
      queue.clear()
      work = undefined
    },
  }
}

function* apply(hooks: ToxicHooks, item: Item, at: number): Generator<Item | number> {
  if (typeof item !== 'string') yield* hooks.chunk ? hooks.chunk(item, at) : [item]
  else if (item === 'end') {
    if (hooks.end) yield* hooks.end()
    yield item
  } else yield item
}

function* rest(work: Iterator<Item | number> | undefined): Generator<Item | number> {
  if (!work) return
  for (let next = work.next(); !next.done; next = work.next()) yield next.value
}

function sizeOf(item: Item): number {
  return typeof item === 'string' ? 0 : item.length
}
