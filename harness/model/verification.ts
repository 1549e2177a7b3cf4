/** What became of patterns when they were held against the contract, before any was measured. `verification.json` is this. */
export interface Verification {
  readonly version: 1
  readonly patterns: readonly VerifiedPattern[]
}

export interface VerifiedPattern {
  readonly pattern: string
  readonly cases: readonly VerifiedCase[]
}

export interface VerifiedCase {
  /** `idempotency/concurrent`; `start` when it could not be asked at all. */
  readonly case: string
  readonly outcome: 'pass' | 'fail' | 'undecided' | 'n/a'
  /** For every outcome but `pass`. */
  readonly reason?: string
}

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
