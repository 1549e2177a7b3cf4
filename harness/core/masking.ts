/** A value that must stand in no record, and the variable that has it. */
export interface Secret {
  readonly name: string
  readonly value: string
}

/** A shorter one is a word that texts hold by chance. */
const shortestSecret = 8

export type Mask = <T>(value: T) => T

/**
 * Puts `$NAME` in the place of each secret, in every text of plain data. A value that holds none stays the same object. Secrets
 * that are shorter than `shortestSecret` are none.
 */
export function maskOf(secrets: readonly Secret[]): Mask {
  const known = secrets
    .filter(({ value }) => value.length >= shortestSecret)
    // One may be the beginning of another.
    .toSorted((a, b) => b.value.length - a.value.length)
  if (known.length === 0) return (value) => value
  const mask = (value: unknown): unknown => {
    if (typeof value === 'string') return known.reduce((text, one) => masked(text, one), value)
    if (typeof value !== 'object' || value === null) return value
    const before = Object.entries(value)
    const after = before.map(([name, one]): [string, unknown] => [name, mask(one)])
    if (after.every(([, one], i) => one === before[i]![1])) return value
    return Array.isArray(value) ? after.map(([, one]) => one) : Object.fromEntries(after)
  }
  return mask as Mask
}

function masked(text: string, { name, value }: Secret): string {
  return text.includes(value) ? text.replaceAll(value, () => `$${name}`) : text
}
