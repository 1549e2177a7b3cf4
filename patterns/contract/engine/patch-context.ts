import type { Operation } from 'rfc6902'
import { type Context, isKeepable, mostMemoryBytes, mostMemoryDepth, type Patch } from '../types/context.ts'
import { applyOperation } from './json-patch.ts'

/** The next state, or why the patch cannot be applied: then nothing of it is. */
export function patchContext({ version, document }: Context, operations: Patch): Context | string {
  const next = structuredClone(document)
  for (const [i, operation] of operations.entries()) {
    if (!applyOperation(next, operation as Operation))
      return `operation ${i + 1} (${operation.op} ${operation.path}) does not apply`
    // After each: copies of copies would be all memory before the last.
    if (!isKeepable(next))
      return `the memory would be larger than ${mostMemoryBytes} bytes, or deeper than ${mostMemoryDepth}`
  }
  return { version: version + 1, document: next }
}
