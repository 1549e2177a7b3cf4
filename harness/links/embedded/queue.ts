/** First in, first out; `shift` is cheap however long the queue is. */
export interface Queue<T> {
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
