import { z } from 'zod'
import { patch } from './context.ts'

/** Whole credits, and no more at a time than what sums of them hold exactly in any store. */
export const credits = z.int().min(1).max(1_000_000_000)

/** The client's own name for a command of a task: repeated, it is the same command. */
export const commandId = z
  .string()
  .regex(/^[\w~-][\w.~-]{0,63}$/, '1 to 64 of A-Z a-z 0-9 _ ~ - and, after the first, .')

/**
 * What somebody has a running agent do. `interrupt` stops it at its next safe point, `resume` lets it go on, `steer`
 * patches its memory, `top_up` adds to its budget.
 */
export const command = z.discriminatedUnion(
  'type',
  [
    z.strictObject({ id: commandId, type: z.literal('interrupt') }),
    z.strictObject({ id: commandId, type: z.literal('resume') }),
    z.strictObject({ id: commandId, type: z.literal('steer'), patch }),
    z.strictObject({ id: commandId, type: z.literal('top_up'), credits }),
  ],
  { error: ({ code }) => (code === 'invalid_union' ? 'interrupt, resume, steer or top_up' : undefined) },
)
export type Command = z.infer<typeof command>

/** A command is on record: durable, and in order with those before it. */
export interface CommandAck {
  /** It was on record before. */
  readonly replayed: boolean
}
