/** What the service answered. Status 0: nobody did. */
export interface Answer {
  readonly status: number
  readonly body: unknown
  /** In so many seconds it may be asked again, by its own word. */
  readonly againInS?: number | undefined
}

/** What the page asked for: a new task, something of a task, or that something be done with it. */
export type Asked = 'submit' | 'read' | 'order'

const passing: ReadonlySet<number> = new Set([0, 408, 409, 421, 423, 425, 429])
const timed: ReadonlySet<number> = new Set([403, 413])
const never: ReadonlySet<number> = new Set([501, 505])

/** Whether the same may be asked again, and be answered otherwise: as `patterns/contract/client/README.md` has it. */
export function isPassing({ status, body, againInS }: Answer, asked: Asked): boolean {
  const retryable = ((body ?? {}) as { readonly retryable?: unknown }).retryable
  if (status >= 400 && retryable === true) return true
  // What has ended conflicts with nothing that will pass.
  if (status === 409 && asked === 'order') return false
  if (passing.has(status)) return retryable !== false
  if (timed.has(status)) return againInS !== undefined && retryable !== false
  if (status >= 500) return !never.has(status)
  return status < 400
}

export function isAbsent({ status }: Answer): boolean {
  return status === 404 || status === 410
}

/** The server's word is kept for so long, and no longer. */
const longestAdviceS = 600

/** `Retry-After`, in seconds from now: a number of them, or a date. */
export function adviceIn(header: string | null, nowMs: number): number | undefined {
  if (header === null || header === '') return undefined
  const seconds = /^\d+(\.\d+)?$/.test(header) ? Number(header) : (Date.parse(header) - nowMs) / 1_000
  return Number.isNaN(seconds) ? undefined : Math.min(Math.max(0, Math.ceil(seconds)), longestAdviceS)
}
