import type { TaskStatus } from '../../patterns/contract/types/task.ts'

const ends: readonly TaskStatus[] = ['completed', 'failed', 'cancelled', 'expired']

/** What an observer may see next, who sees some states only: staying is always legal, and states may be skipped. */
const next: Readonly<Partial<Record<TaskStatus, readonly TaskStatus[]>>> = {
  queued: ['running', 'cancelling', ...ends, 'rejected'],
  running: ['cancelling', ...ends],
  cancelling: ends,
}

/** Whether `to` may be seen after `from`. A terminal state admits nothing but itself. */
export function mayFollow(from: TaskStatus, to: TaskStatus): boolean {
  return from === to || (next[from]?.includes(to) ?? false)
}
