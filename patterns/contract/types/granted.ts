import type { TaskEvent } from './events.ts'

// Apart from what a grant says (`grant.ts`): a sandboxed workflow reads this too, and loads no schemas for it.

/** The grant in a log, where there is one. */
export function grantIn(log: readonly TaskEvent[]): string | undefined {
  return (log[0]?.data as { readonly grant?: string } | undefined)?.grant
}

/** An event as it may be shown. */
export function withoutGrant(event: TaskEvent): TaskEvent {
  if (!('grant' in event.data)) return event
  const { grant: _, ...data } = event.data
  return { ...event, data }
}
