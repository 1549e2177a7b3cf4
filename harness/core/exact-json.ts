/**
 * The value of a JSON text, in which a whole number that no double holds is its text, as it was written: as an id it would be
 * another one's (RFC 8259, 6). A byte order mark before it is passed over (8.1). Throws as `JSON.parse` does.
 */
export function parseExactly(text: string): unknown {
  const json = text.startsWith(byteOrderMark) ? text.slice(1) : text
  // Most texts have none, and are parsed many times faster.
  return /\d{16}/.test(json) ? JSON.parse(json, exact) : JSON.parse(json)
}

const byteOrderMark = '\u{feff}'

function exact(_: string, value: unknown, { source = '' }: { readonly source?: string } = {}): unknown {
  return typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(source) ? source : value
}
