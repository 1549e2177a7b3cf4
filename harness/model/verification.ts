import { z } from 'zod'
import { optional, stored, type Stored } from './stored.ts'

/** One case of the contract, held against a pattern. */
const verifiedCase = stored({
  /** `idempotency/concurrent`; `start` when it could not be asked at all. */
  case: z.string(),
  outcome: z.enum(['pass', 'fail', 'undecided', 'n/a']),
  /** For every outcome but `pass`. */
  reason: optional(z.string()),
})

const verifiedPattern = stored({ pattern: z.string(), cases: z.array(verifiedCase) })
export type VerifiedPattern = Stored<typeof verifiedPattern>

/** `verification.json`: what became of patterns when they were held against the contract, before any was measured. */
export const verificationSchema = stored({ version: z.literal(1), patterns: z.array(verifiedPattern) })
export type Verification = Stored<typeof verificationSchema>

/** A pattern that breaks the contract: what its cells would show is not what they are about, so none is measured. */
export interface Unmeasured {
  readonly pattern: string
  /** `not measured: fails idempotency/concurrent: ...`. */
  readonly reason: string
}

/** In the order of the verification. A run that verified nothing measures all. */
export function unmeasuredBy(verification: Verification | undefined): readonly Unmeasured[] {
  return (verification?.patterns ?? []).flatMap(({ pattern, cases }) => {
    const failed = cases.filter(({ outcome }) => outcome === 'fail')
    const [first] = failed
    if (!first) return []
    const more = failed.length > 1 ? ` (and ${failed.length - 1} more)` : ''
    return [{ pattern, reason: `not measured: fails ${first.case}: ${first.reason ?? 'without a reason'}${more}` }]
  })
}
