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
  if (Array.isArray(value)) return keepIfSame(value, value.map(deep))
  if (!isPlain(value)) return value
  const entries = Object.entries(value)
  const shown = entries.map(([name, one]): [string, unknown] => [visibleLine(name), deep(one)])
  const same = shown.every(([name, one], i) => name === entries[i]![0] && one === entries[i]![1])
  return same ? value : Object.fromEntries(shown)
}

function keepIfSame(before: readonly unknown[], after: readonly unknown[]): readonly unknown[] {
  return after.every((one, i) => one === before[i]) ? before : after
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
