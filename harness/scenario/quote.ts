/** Whether messages may show what a file holds. */
let isShown = true

/**
 * Read something whose contents are nobody's business but their owner's: problems found meanwhile say where they are and what
 * is allowed there, and not what stands there. Whoever may name a file in an include may not read it for that.
 */
export function withoutQuoting<T>(read: () => T): T {
  const before = isShown
  isShown = false
  try {
    return read()
  } finally {
    isShown = before
  }
}

export function mayQuote(): boolean {
  return isShown
}

/** What a value is, in a few words: for messages. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a map'
  if (!isShown) return '"..."'
  if (typeof value === 'number') return String(value)
  if (typeof value !== 'string') return JSON.stringify(value)
  return value.length > 60 ? `"${value.slice(0, 57)}..."` : `"${value}"`
}
