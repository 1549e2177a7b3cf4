import { monotonicMs, longestTimerMs } from '../../../patterns/contract/types/timer.ts'
import type { ToxicHooks } from './toxic.ts'

/** First in, first out; `shift` is cheap however long the queue is. */
interface Queue<T> {
  push(item: T): void
  shift(): T | undefined
  /** All that is in it, in order; then it is empty. */
  takeAll(): readonly T[]
}

export function createQueue<T>(): Queue<T> {
  let items: (T | undefined)[] = []
  let head = 0
  const clear = (): void => {
    items = []
    head = 0
  }
  return {
    push: (item) => void items.push(item),
    shift() {
      const item = items[head]
      items[head] = undefined
      if (head < items.length) head++
      if (head === items.length) clear()
      // Moving the rest only when half is used up keeps the cost per item constant.
      else if (head > 1024 && head * 2 > items.length) {
        items = items.slice(head)
        head = 0
      }
      return item
    },
    takeAll() {
      const all = items.slice(head) as T[]
      clear()
      return all
    },
  }
}

/** What travels through a stream, in order: bytes, then at most one of FIN and RST. */
export type Item = Buffer | 'end' | 'reset'

/** Waits shorter than a timer can measure are not waited. */
const shortestWaitMs = 0.5

/** One toxic in a stream: takes items in order, works on one at a time, and passes the outcome on. */
export class Stage {
  readonly #hooks: ToxicHooks
  readonly #passOn: (item: Item) => void
  readonly #onDone: () => void
  readonly #queue = createQueue<{ readonly item: Item; readonly at: number }>()
  #work: Iterator<Item | number> | undefined
  #workBytes = 0
  #waitingBytes = 0
  #timer: NodeJS.Timeout | undefined
  #waits = false

  /** @param onDone an item was worked on: `waitingBytes` is smaller than before */
  constructor(hooks: ToxicHooks, passOn: (item: Item) => void, onDone: () => void) {
    this.#hooks = hooks
    this.#passOn = passOn
    this.#onDone = onDone
  }

  get waitingBytes(): number {
    return this.#waitingBytes
  }

  push(item: Item): void {
    this.#waitingBytes += sizeOf(item)
    this.#queue.push({ item, at: monotonicMs() })
    this.#advance()
  }

  /** Finish the work in progress without waiting. */
  hurry(): void {
    clearTimeout(this.#timer)
    this.#waits = false
    for (const value of rest(this.#work)) if (typeof value !== 'number') this.#passOn(value)
    this.#finish()
    this.#advance()
  }

  /** Pass on all that waits, in order; what was not begun stays untouched by the toxic. */
  release(): void {
    const untouched = this.#queue.takeAll()
    this.hurry()
    for (const { item } of untouched) this.#passOn(item)
    this.#waitingBytes = 0
  }

  /** Forget everything and take nothing more. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#waits = true
    this.#work = undefined
    this.#queue.takeAll()
  }

  #advance(): void {
    for (;;) {
      if (this.#waits || !this.#begin()) return
      const { value, done } = this.#work!.next()
      if (done) this.#finish()
      else if (typeof value !== 'number') this.#passOn(value)
      else this.#waitUntil(monotonicMs() + value)
    }
  }

  /** Work on what is in progress or on the next item; false when there is neither. */
  #begin(): boolean {
    if (this.#work) return true
    const next = this.#queue.shift()
    if (!next) return false
    this.#workBytes = sizeOf(next.item)
    this.#work = apply(this.#hooks, next.item, next.at)
    return true
  }

  #finish(): void {
    this.#work = undefined
    this.#waitingBytes -= this.#workBytes
    this.#workBytes = 0
    this.#onDone()
  }

  /** Node's timers count from the loop's cached time: they fire early by as much as the loop was late. */
  #waitUntil(deadline: number): void {
    const restMs = deadline - monotonicMs()
    this.#waits = restMs >= shortestWaitMs
    if (!this.#waits) return
    this.#timer = setTimeout(
      () => {
        this.#waitUntil(deadline)
        this.#advance()
      },
      Math.min(Math.ceil(restMs), longestTimerMs),
    )
  }
}

function* apply(hooks: ToxicHooks, item: Item, at: number): Generator<Item | number> {
  if (typeof item !== 'string') yield* hooks.chunk ? hooks.chunk(item, at) : [item]
  else if (item === 'end' && hooks.end) yield* hooks.end()
  if (typeof item === 'string') yield item
}

function* rest(work: Iterator<Item | number> | undefined): Generator<Item | number> {
  for (let next = work?.next(); next && !next.done; next = work?.next()) yield next.value
}

function sizeOf(item: Item): number {
  return typeof item === 'string' ? 0 : item.length
}
