import { hash } from 'node:crypto'
import { z } from 'zod'
import { canonical } from './canonical.ts'
import { isShallow } from './depth.ts'
import { isStorable } from './text.ts'

/** What an agent remembers: a JSON object. */
export type Memory = Readonly<Record<string, unknown>>

/** A state of an agent's memory. Version 1 is what the task was submitted with; each patch makes the next one. */
export interface Context {
  readonly version: number
  readonly document: Memory
}

/** Bytes of JSON, of what is submitted and of what any patch makes of it. */
export const mostMemoryBytes = 16_384
export const mostMemoryDepth = 32
const mostOperations = 100
const plainJson = 'text without U+0000, finite numbers, and no __proto__'

/** What no JSON Schema says of a memory. */
export const memoryLimits = `at most ${mostMemoryBytes} bytes, ${mostMemoryDepth} levels, and ${plainJson}`

/** The memory that a task begins with. */
export const memory = z.record(z.string(), z.unknown()).refine(isKeepable, { error: memoryLimits })

/** Names that mean something to the language: what reads a document must not fall into a trap. */
const traps: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

/** A place in a document (RFC 6901). */
const pointer = z
  .string()
  .max(512)
  .regex(/^(\/([^~/]|~[01])+)+$/, 'a JSON Pointer (RFC 6901) below the root, such as /notes/3')
  .refine((path) => !path.split('/').some((name) => traps.has(name)), { error: `no ${[...traps].join(', ')}` })
/** Any JSON: how deep it is, is checked before anything walks it by recursion. */
const value = z.unknown()

const needsValue: ReadonlySet<string> = new Set(['add', 'replace', 'test'])

/** JSON Patch (RFC 6902): all of its operations, in order, or none. */
export const patch = z
  .array(
    z.discriminatedUnion(
      'op',
      [
        z.strictObject({ op: z.literal('add'), path: pointer, value }),
        z.strictObject({ op: z.literal('remove'), path: pointer }),
        z.strictObject({ op: z.literal('replace'), path: pointer, value }),
        z.strictObject({ op: z.literal('move'), from: pointer, path: pointer }),
        z.strictObject({ op: z.literal('copy'), from: pointer, path: pointer }),
        z.strictObject({ op: z.literal('test'), path: pointer, value }),
      ],
      { error: ({ code }) => (code === 'invalid_union' ? 'an operation of RFC 6902' : undefined) },
    ),
  )
  .min(1)
  .max(mostOperations)
  .refine((operations) => operations.every((one) => !needsValue.has(one.op) || 'value' in one), {
    error: 'add, replace and test need a value',
  })
  .refine((operations) => isKeepable(operations), {
    error: `at most ${mostMemoryBytes} bytes, and ${plainJson}`,
  })
export type Patch = z.infer<typeof patch>

export function openContext(document: Memory): Context {
  return { version: 1, document }
}

/** Equal for equal documents, whatever the order of their keys. SHA-256 in hexadecimal of the canonical JSON. */
export function digestOf({ document }: Context): string {
  return hash('sha256', canonical(document), 'hex')
}

/** Whether every store can hold it, and every reader reads the same: size, depth, text and numbers. */
export function isKeepable(document: unknown): boolean {
  const isPlain = isShallow(document, mostMemoryDepth) && isPlainJson(document)
  return isPlain && Buffer.byteLength(JSON.stringify(document)) <= mostMemoryBytes
}

function isPlainJson(value: unknown): boolean {
  if (typeof value === 'string') return isStorable(value)
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || value === null) return true
  return Object.entries(value).every(([name, field]) => {
    return name !== '__proto__' && isStorable(name) && isPlainJson(field)
  })
}
