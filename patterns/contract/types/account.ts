import { z } from 'zod'
import { commandId, credits } from './command.ts'
import { text } from './text.ts'

/** What a principal has, in credits. All three change as its tasks go on. */
export interface Balance {
  readonly principal: string
  /** Neither held nor spent: what steps that have not begun may cost. */
  readonly credits: number
  /** Of steps under way. It comes back where their task ends without having called the tool. */
  readonly held: number
  /** Of steps whose tool was called, or was about to be. */
  readonly spent: number
}

/** Credits that are added to a balance. The same id and amount is the same top-up. */
export const topUp = z.strictObject({
  id: commandId,
  credits,
})
export type TopUp = z.infer<typeof topUp>

/** What principals have to begin with. Who is not in it has no account: its tasks spend what they like. */
export const balances = z.record(text(256), z.int().min(0).max(1_000_000_000))
export type Balances = z.infer<typeof balances>
