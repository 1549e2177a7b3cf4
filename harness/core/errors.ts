/** What `outlast` exits with. */
export const exitCodes = {
  pass: 0,
  fail: 1,
  inconclusive: 2,
  usage: 3,
  invalid: 4,
  leftBehind: 5,
  /** By a signal, as shells have it (128 + SIGINT): left at once, or before anything was measured. */
  interrupted: 130,
} as const
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** The user asked for something impossible: printed as given, without a stack trace; exit code 3. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  /** All problems found, each a full sentence with file, line and column where there is one. */
  readonly problems: readonly string[]
  constructor(problems: string | readonly string[]) {
    const list = typeof problems === 'string' ? [problems] : problems
    super(list.join('\n'))
    this.problems = list
  }
}

/** The harness itself failed: never counted against a system under test; exit code 4. */
export class HarnessError extends Error {
  override readonly name = 'HarnessError'
}

/** The user sent a signal before there was anything to judge: nobody failed; exit code 130. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
}

/** The message of anything thrown. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // What went wrong first is what it is about: that something could not be closed afterwards mostly follows from it.
  if (error instanceof SuppressedError && error.suppressed !== undefined) return describeError(error.suppressed)
  if (error instanceof AggregateError && !error.message && error.errors.length > 0)
    return describeError(error.errors[0])
  const { code } = error as { readonly code?: unknown }
  const own = error.message || error.name
  // A DOMException, as an abort is, has a number.
  return typeof code === 'string' && !own.includes(code) ? `${code}: ${own}` : own
}
