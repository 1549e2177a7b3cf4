import { describeProblem, type Problem, ProblemError } from '../types/problems.ts'

/** What the network and the operating system say of something that may be well again in a moment. */
const codes = new Set(
  `ECONNREFUSED ECONNRESET ECONNABORTED EPIPE ETIMEDOUT EHOSTUNREACH EHOSTDOWN ENETUNREACH ENETDOWN ENOTFOUND EAI_AGAIN
   EMFILE ENFILE ENOBUFS ENOMEM EAGAIN`.split(/\s+/),
)

/** An answer that did not come in time, or a call that was given up. */
const names: ReadonlySet<string> = new Set(['AbortError', 'TimeoutError', 'CallTimeout'])

/**
 * Classes of SQLSTATE after which the same statement may succeed. They are connection, transaction (a standby that is
 * about to lead), rollback, resources, object in use, operator intervention, system error. Data exceptions (22),
 * constraints (23) and syntax (42) are what was asked for: never.
 */
const sqlState = /^(08|25|40|53|55|57|58)[0-9A-Z]{3}$/

/** Whether a failure that nobody foresaw may be gone when the same is tried again. A defect, as a TypeError is, stays. */
export function isPassing(error: unknown, depth = 5): boolean {
  if (!(error instanceof Error) || depth === 0) return false
  const { code } = error as NodeJS.ErrnoException
  if (names.has(error.name)) return true
  if (typeof code === 'string' && (codes.has(code) || code.startsWith('UND_ERR_') || sqlState.test(code))) return true
  const parts: readonly unknown[] = error instanceof AggregateError ? error.errors : [error.cause]
  return parts.some((part) => isPassing(part, depth - 1))
}

/**
 * The document for anything thrown. What is not a ProblemError keeps its message to itself, which may hold secrets: it is
 * `interrupted` where a repetition can help, else `internal`.
 */
export function toProblem(error: unknown): Problem {
  if (error instanceof ProblemError) return describeProblem(error.kind, error.message, error.taskId)
  return describeProblem(isPassing(error) ? 'interrupted' : 'internal')
}
