/** Characters on which a terminal, a page or a log acts: controls, marks of direction, separators of lines. */
const unseen = /(?!\n)[\p{Cc}\p{Bidi_Control}\u2028\u2029\uFEFF]/gu

/** Nearly every text is all of these: then nothing of it has to be looked at more closely. */
const beyondAscii = /[^\n\x20-\x7e]/

/** Text of whatever origin, so that it can be shown: what would act shows as an escape, `\x1b` or `\u202e`. */
export function visible(text: string): string {
  return beyondAscii.test(text) ? text.replaceAll(unseen, escapeOf) : text
}

/** The same in one line; that it ended with one is nothing to show. */
export function visibleLine(text: string): string {
  return text.includes('\n') ? visible(text.replace(/\n+$/, '')).replaceAll('\n', '\\n') : visible(text)
}

/** Text that a program of ours has coloured: that alone acts. */
export function visibleInColour(text: string): string {
  return text
    .split(colour)
    .map((part, i) => (i % 2 === 0 ? visible(part) : part))
    .join('')
}

/** SGR, the sequences that colour and nothing else (ECMA-48, 8.3.117); one group, so that `split` keeps them. */
const colour = new RegExp(`(${String.fromCodePoint(27)}\\[[\\d;]*m)`)

/** The same text for what shows ASCII alone; colours stay. What has no likeness there becomes `?`. */
export function toAscii(text: string): string {
  if (!beyondAscii.test(text)) return text
  return text
    .replaceAll('∞', 'inf')
    .replaceAll('≤', '<=')
    .replaceAll('≥', '>=')
    .replaceAll('×', 'x')
    .replaceAll('→', '->')
    .replaceAll('…', '...')
    .replaceAll(/[·–─]/g, '-')
    .replaceAll(/[‘’]/g, "'")
    .replaceAll(/[“”]/g, '"')
    .replaceAll(/\P{ASCII}/gu, '?')
}

/** The text of a JSON document, and the same document: JSON leaves some of these characters as they are. */
export function visibleJson(text: string): string {
  return text.replaceAll(unseen, (char) => `\\u${char.codePointAt(0)!.toString(16).padStart(4, '0')}`)
}

/** Every text in a value of plain data, and every name, in one line each. What has nothing to show stays the same object. */
export function allVisible<T>(value: T): T {
  return deep(value) as T
}

function deep(value: unknown): unknown {
  if (typeof value === 'string') return visibleLine(value)
  if (hasNothingToShow(value)) return value
  if (Array.isArray(value)) return value.map(deep)
  const entries = Object.entries(value as object)
  return Object.fromEntries(entries.map(([name, one]) => [visibleLine(name), deep(one)]))
}

/** Of a million rows nearly none has: none is made again for that. */
function hasNothingToShow(value: unknown): boolean {
  if (typeof value === 'string') return visibleLine(value) === value
  if (Array.isArray(value)) return value.every(hasNothingToShow)
  if (!isPlain(value)) return true
  for (const name in value) if (!hasNothingToShow(name) || !hasNothingToShow(value[name])) return false
  return true
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

function escapeOf(char: string): string {
  if (char === '\t') return '\\t'
  if (char === '\r') return '\\r'
  const code = char.codePointAt(0)!
  return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
}
