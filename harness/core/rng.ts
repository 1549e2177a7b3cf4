/**
 * Seeded randomness. Every random choice in outlast is drawn from an `Rng`; nothing calls `Math.random`.
 *
 * The generator is xoshiro128** (Blackman and Vigna, 2018), seeded through an FNV-1a hash of the label. So a stream
 * depends only on its own name, and a new fault never shifts the draws of another.
 */
export interface Rng {
  /** Uniform in [0, 1). */
  next(): number
  /** One of the items, each equally likely. */
  pick<T>(items: readonly [T, ...T[]]): T
  /** Exponential with the given mean: the gaps of a Poisson process. */
  exponential(mean: number): number
  /** An independent stream that depends on this seed and the label only, not on draws made before. */
  fork(label: string): Rng
}

/** A stream that is a pure function of `seed` and `label`. */
export function createRng(seed: number | string, label = ''): Rng {
  const name = `${seed}/${label}`
  const next = xoshiro(name)
  return {
    next,
    pick: (items) => items[Math.floor(next() * items.length)]!,
    exponential: (mean) => -mean * Math.log(1 - next()),
    fork: (child) => createRng(name, child),
  }
}

/** A uniform draw in [0, 1) that depends only on the parts: for choices that must not depend on order. */
export function drawUniform(...parts: readonly (number | string)[]): number {
  return xoshiro(parts.join('/'))()
}

function xoshiro(name: string): () => number {
  let [a, b, c, d] = [hash(name, 1), hash(name, 2), hash(name, 3), hash(name, 4)] as [number, number, number, number]
  const step = (): number => {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0
    const t = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= t
    d = rotate(d, 11)
    return result / 2 ** 32
  }
  // The first outputs still show the hash's structure; a few rounds mix it away.
  for (let round = 0; round < 8; round++) step()
  return step
}

function rotate(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits))
}

function hash(text: string, salt: number): number {
  let h = 0x811c9dc5 ^ Math.imul(salt, 0x9e3779b1)
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  h ^= h >>> 16
  h = Math.imul(h, 0x85ebca6b)
  return (h ^ (h >>> 13)) >>> 0
}
