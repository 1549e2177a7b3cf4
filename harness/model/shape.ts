import { z } from 'zod'
import type { Stored } from './stored.ts'

/** What a stored value must be, and its type. General schema libraries are too slow for a million lines. */
export interface Shape<T> extends Test {
  /** Of the type only: never there. */
  readonly type?: (value: T) => T
}

export type Shaped<S> = S extends Shape<infer T> ? T : never

interface Test {
  readonly fits: (value: unknown) => boolean
  /** For `must be ...`. */
  readonly wanted: string
  /** A finer word on what does not fit, where there is one; `at` is the name of the value. */
  readonly flaw?: (value: unknown, at: string) => string | undefined
}

interface Optional<T> {
  readonly optional: Shape<T>
}

type FieldShapes = Readonly<Record<string, Test | { readonly optional: Test }>>

/** The object that has these fields: a field that may be absent says so. */
type Fields<S extends FieldShapes> = {
  readonly [K in keyof S as S[K] extends Test ? K : never]: Shaped<S[K]>
} & {
  readonly [K in keyof S as S[K] extends Test ? never : K]?: S[K] extends Optional<infer T> ? T : never
} extends infer O
  ? { readonly [K in keyof O]: O[K] }
  : never

export const text: Shape<string> = { fits: (value) => typeof value === 'string', wanted: 'a text' }
export const flag: Shape<boolean> = { fits: (value) => typeof value === 'boolean', wanted: 'true or false' }
export const amount: Shape<number> = { fits: (value) => Number.isFinite(value), wanted: 'a number' }
export const count: Shape<number> = {
  fits: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
  wanted: 'a whole number from 0',
}
export const ordinal: Shape<number> = {
  fits: (value) => Number.isSafeInteger(value) && (value as number) >= 1,
  wanted: 'a whole number from 1',
}
/** Milliseconds that something lasted. */
export const length: Shape<number> = {
  fits: (value) => Number.isFinite(value) && (value as number) >= 0,
  wanted: 'a number from 0',
}
export const anything: Shape<Readonly<Record<string, unknown>>> = { fits: isRecord, wanted: 'an object' }

/** As a zod schema, for files that hold some of a history's values. */
export function zodOf<T>(shape: Shape<T>): z.ZodType<T> {
  return z.custom<T>().superRefine((value, context) => {
    if (!shape.fits(value)) context.addIssue({ code: 'custom', message: flawOf(shape, value, 'value') })
  })
}

/** For what is too deep for flat lists, and rare. */
export function schemaOf<S extends z.ZodType>(schema: S): Shape<Stored<S>> {
  return {
    fits: (value) => schema.safeParse(value).success,
    wanted: 'as its schema says',
    flaw: (value, at) => {
      const issue = schema.safeParse(value).error?.issues[0]
      return issue && `${[at, ...issue.path].map(String).join('.')}: ${issue.message}`
    },
  }
}

export function optional<T>(shape: Shape<T>): Optional<T> {
  return { optional: shape }
}

export function nullable<T>(shape: Shape<T>): Shape<T | null> {
  return { fits: (value) => value === null || shape.fits(value), wanted: `${shape.wanted} or null` }
}

export function oneOf<const T extends readonly string[]>(names: T): Shape<T[number]> {
  const known: ReadonlySet<unknown> = new Set(names)
  return { fits: (value) => known.has(value), wanted: [...known].join(' | ') }
}

/** An object with these fields and no other: a name that one damaged bit has changed is a name that is not known. */
export function fields<S extends FieldShapes>(shapes: S): Shape<Fields<S>> {
  const list = Object.entries(shapes).map(([name, field]) => {
    return 'optional' in field ? { name, shape: field.optional, needed: false } : { name, shape: field, needed: true }
  })
  const known: ReadonlySet<string> = new Set(Object.keys(shapes))
  return {
    fits: (value) => {
      if (!isRecord(value)) return false
      let met = 0
      for (const { name, shape, needed } of list) {
        const one = value[name]
        if (one === undefined) {
          if (needed) return false
          continue
        }
        met++
        if (!shape.fits(one)) return false
      }
      for (const _ in value) met--
      return met === 0
    },
    wanted: 'an object',
    flaw: (value, at) => {
      if (!isRecord(value)) return undefined
      const bad = list.find(({ name, shape, needed }) => {
        return value[name] === undefined ? needed : !shape.fits(value[name])
      })
      if (bad && value[bad.name] === undefined) return `${at} has no ${bad.name}`
      if (bad) return flawOf(bad.shape, value[bad.name], `${at}.${bad.name}`)
      const stranger = Object.keys(value).find((name) => !known.has(name))
      return stranger === undefined ? undefined : `${at} has a field "${stranger}", which is not known`
    },
  }
}

/** The same, where some fields that may be absent elsewhere are not; `when` says of which values that is asked. */
export function having<T extends object>(
  shape: Shape<T>,
  names: readonly (keyof T & string)[],
  when: (value: T) => boolean = () => true,
): Shape<T> {
  const lacks = (value: T): string | undefined => {
    return when(value) ? names.find((name) => value[name] === undefined) : undefined
  }
  return {
    ...shape,
    fits: (value) => shape.fits(value) && lacks(value as T) === undefined,
    flaw: (value, at) => {
      const missing = shape.fits(value) ? lacks(value as T) : undefined
      return missing === undefined ? shape.flaw?.(value, at) : `${at} has no ${missing}`
    },
  }
}

/** One of two, which no value is both. */
export function either<A, B>(a: Shape<A>, b: Shape<B>): Shape<A | B> {
  return { fits: (value) => a.fits(value) || b.fits(value), wanted: `${a.wanted} or ${b.wanted}` }
}

export function listOf<T>(shape: Shape<T>): Shape<readonly T[]> {
  return {
    fits: (value) => Array.isArray(value) && value.every((one) => shape.fits(one)),
    wanted: `a list, each ${shape.wanted}`,
  }
}

/** What is wrong with a value that does not fit: `value.status is "compleued", must be queued | running`. */
export function flawOf(shape: Test, value: unknown, at: string): string {
  return shape.flaw?.(value, at) ?? `${at} is ${quote(value)}, must be ${shape.wanted}`
}

const quotedAtMost = 60

function quote(value: unknown): string {
  const json = JSON.stringify(value) ?? 'nothing'
  return json.length > quotedAtMost ? `${json.slice(0, quotedAtMost)}...` : json
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
