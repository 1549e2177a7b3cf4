import { z } from 'zod'

/** An object in a stored file. Fields that this version does not know are kept: what must not be misread has another version. */
export function stored<S extends z.core.$ZodLooseShape>(shape: S): z.ZodObject<S> {
  // Their types are left out on purpose: a field that is misspelled in the code must not compile.
  return z.looseObject(shape) as unknown as z.ZodObject<S>
}

/** What a file holds, by its schema. Nobody changes what was stored. */
export type Stored<S extends z.ZodType> = Frozen<z.output<S>>

type Frozen<T> = T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T

/** A whole number from 0. */
export const count = z.int().min(0)
export const optional = z.exactOptional
export const ms = z.number()
export const interval = z.tuple([z.number(), z.number()])
