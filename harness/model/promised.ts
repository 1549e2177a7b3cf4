import { z } from 'zod'
import { promises, type Promised } from '../../patterns/contract/types/promises.ts'

/** Names of promises, and of the checkers that judge them, as plans before version 3 and results before version 4 have them. */
const oldNames: Readonly<Record<string, Promised>> = { 'sse-continuity': 'stream-continuity' }
export function renewed(name: unknown): unknown {
  return (typeof name === 'string' && oldNames[name]) || name
}

export const promised = z.preprocess(renewed, z.enum(Object.keys(promises) as [Promised, ...Promised[]]))
