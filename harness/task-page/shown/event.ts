/** One event of a task's log, as far as the page reads it: its types are the contract's, and others are passed over. */
export interface LoggedEvent {
  readonly seq: number
  readonly type: string
  readonly time: string
  readonly attempt: number
  readonly status: string
  readonly data: Readonly<Record<string, unknown>>
}

const terminal: ReadonlySet<string> = new Set(['completed', 'failed', 'cancelled', 'expired', 'rejected'])

export function isTerminal(status: string): boolean {
  return terminal.has(status)
}

/** Whether a task in this state still takes commands. */
export function takesCommands(status: string): boolean {
  return !isTerminal(status) && status !== 'cancelling'
}

/** Whether it can be an event of a log at all; `undefined` data is nothing that the page could show. */
export function isEvent(said: unknown): said is LoggedEvent {
  const { seq, type, time, attempt, status, data } = (said ?? {}) as Partial<LoggedEvent>
  const hasTexts = typeof type === 'string' && typeof time === 'string' && typeof status === 'string'
  return (
    hasTexts && Number.isSafeInteger(seq) && Number.isSafeInteger(attempt) && typeof data === 'object' && data !== null
  )
}

/**
 * A log and what came next: the event continues it, is known already (a connection began again before the place where the last one
 * broke), or leaves a gap. Then what is between must be asked for.
 */
export function placeIn(log: readonly LoggedEvent[], { seq }: LoggedEvent): 'next' | 'known' | 'gap' {
  const last = log.at(-1)?.seq ?? 0
  if (seq === last + 1) return 'next'
  return seq <= last ? 'known' : 'gap'
}
