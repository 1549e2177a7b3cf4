import { z } from 'zod'
import { suggest } from './did-you-mean.ts'
import { describe } from './quote.ts'

/** A map with these keys and no others. Its message for unknown keys has one line per key, in zod's order. */
export function section<S extends z.core.$ZodLooseShape>(shape: S) {
  const known = Object.keys(shape)
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? explainKeys(issue.keys as string[], known) : undefined),
  })
}

function explainKeys(keys: readonly string[], known: readonly string[]): string {
  return keys.map((key) => `unknown key ${describe(key)}${suggest(key, known)}; keys: ${known.join(', ')}`).join('\n')
}
