import { createRng } from '../../harness/core/rng.ts'

/** Seeded choices. Every case has dice of its own, so that one case can be thrown again alone. */
export interface Dice {
  /** 0 to n - 1. */
  below(n: number): number
  pick<T>(items: readonly T[]): T
  chance(probability: number): boolean
  bytes(length: number): Buffer
}

export function diceOf(seed: number, part: string, index: number): Dice {
  const rng = createRng(seed, `${part}/${index}`)
  const below = (n: number): number => Math.floor(rng.next() * n)
  return {
    below,
    pick: (items) => items[below(items.length)]!,
    chance: (probability) => rng.next() < probability,
    bytes: (length) => Buffer.from(Array.from({ length }, () => below(256))),
  }
}
