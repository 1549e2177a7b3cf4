import type { Dice } from './dice.ts'

export const escapes = [
  '\u001b[2J\u001b[1;31m',
  '\u0007',
  '\u001b]0;title\u0007',
  '\b\b\b',
  '\u009b31m',
  '\r',
  '\u007f',
]

/** Where nobody expects them: in a name, an id, a number's place. */
export const oddTexts: readonly string[] = [
  '',
  ' ',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '../../../../etc/passwd',
  '/etc/shadow',
  '/dev/zero',
  '/proc/self/environ',
  '..',
  'a/b\\c',
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '"; DROP TABLE tasks; --',
  '$(id) `id` ${HOME}',
  '%00%0a%1b',
  '\ud800',
  '\udfff and more',
  'nul\0nul',
  '\u202ereversed',
  '\u2028line',
  '\ufeffbom',
  'ａｂｃ',
  '🙂'.repeat(40),
  'e\u0301'.repeat(50),
  'x'.repeat(5_000),
  '1e309',
  '0x7fffffff',
  '99999999999999999999d',
  '-1s',
  '1e308ms',
  '10/0s',
  'NaN',
  'true',
  'null',
  ...escapes.map((escape) => `odd${escape}name`),
]

export const oddNumbers: readonly number[] = [
  0,
  -0,
  -1,
  0.5,
  1e-320,
  1e308,
  -1e308,
  2 ** 31,
  2 ** 31 - 1,
  2 ** 32,
  2 ** 53,
  2 ** 53 + 2,
  86_400_000 * 30,
  Infinity,
  -Infinity,
  NaN,
]

/** Anything that JSON or YAML can hold, and some things that only YAML can. */
export function oddValue(dice: Dice): unknown {
  return dice.pick<() => unknown>([
    () => dice.pick(oddTexts),
    () => dice.pick(oddTexts),
    () => dice.pick(oddNumbers),
    () => dice.pick(oddNumbers),
    () => null,
    () => dice.chance(0.5),
    () => [],
    () => ({}),
    () => [dice.pick(oddTexts), [dice.pick(oddNumbers), [null]]],
    () => ({ [dice.pick(oddTexts)]: dice.pick(oddNumbers), kind: dice.pick(oddTexts) }),
    () => nested(dice.pick([30, 300, 3_000])),
    () => Array.from({ length: dice.pick([100, 2_000]) }, (_, i) => i),
  ])()
}

function nested(depth: number): unknown {
  let value: unknown = 1
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value }
  return value
}

/** A copy in which one to three places hold something else, are gone, or are there under another name. */
export function distort(document: unknown, dice: Dice): unknown {
  let result = copyOf(document)
  if (result === undefined) return oddValue(dice)
  const times = 1 + dice.below(3)
  for (let i = 0; i < times; i++) {
    const places = placesOf(result)
    if (places.length === 0) return oddValue(dice)
    result = change(result, dice.pick(places), dice)
  }
  return result
}

/** Undefined for what is nested deeper than a copy can follow: that is odd enough as it is. */
function copyOf(document: unknown): unknown {
  try {
    return structuredClone(document)
  } catch {
    return undefined
  }
}

interface Place {
  readonly holder: Record<string, unknown>
  readonly key: string
}

function change(document: unknown, { holder, key }: Place, dice: Dice): unknown {
  const found = holder[key]
  dice.pick<() => void>([
    () => set(holder, key, oddValue(dice)),
    () => set(holder, key, oddValue(dice)),
    () => void (Array.isArray(holder) ? holder.splice(Number(key), 1) : delete holder[key]),
    () => set(holder, Array.isArray(holder) ? String(holder.length) : dice.pick(oddTexts), found),
    () => set(holder, key, [found, found]),
    () => set(holder, key, { [key]: found }),
    () => set(holder, key, typeof found === 'number' ? String(found) : Number(String(found))),
  ])()
  return document
}

/** As a field of its own, whatever its name. */
function set(holder: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true })
}

/** Every field and element, as deep as a document of ours goes. */
function placesOf(value: unknown, depth = 0): readonly Place[] {
  if (typeof value !== 'object' || value === null || depth > 20) return []
  const holder = value as Record<string, unknown>
  const keys = Object.keys(holder).slice(0, 200)
  return keys.flatMap((key) => [{ holder, key }, ...placesOf(holder[key], depth + 1).slice(0, 300)])
}
