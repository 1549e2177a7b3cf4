import { z } from 'zod'

/**
 * Text that every store can hold: no U+0000, which PostgreSQL refuses in text and JSON, and no lone surrogate, which has no
 * UTF-8. What one engine took and another one refused would be the engine's own contract.
 */
export function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed()
}

/**
 * The only type for text that comes from outside, with at most so many bytes of UTF-8, and so many characters: those of
 * Unicode, as JSON Schema counts them.
 */
export function text(mostBytes: number, mostCharacters = mostBytes) {
  return z
    .string()
    .refine((value) => value.length <= mostBytes, { error: `at most ${mostBytes} bytes`, abort: true })
    .refine(isStorable, { error: 'no U+0000 and no half of a surrogate pair' })
    .refine((value) => Buffer.byteLength(value) <= mostBytes, { error: `at most ${mostBytes} bytes` })
    .refine((value) => Array.from(value).length <= mostCharacters, { error: `at most ${mostCharacters} characters` })
    .meta({ maxLength: mostCharacters, pattern: '^[^\\u0000]*$' })
}

/** Text from outside, for a record: what a store cannot hold is replaced, and the rest cut off. */
export function storable(value: string, most = 500): string {
  return value.slice(0, most).toWellFormed().replaceAll('\0', '\uFFFD')
}
