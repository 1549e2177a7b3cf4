import { isOutcome } from './outcome-words.ts'
import type { Gate } from './plan.ts'
import type { TaskRow } from './results.ts'

/** A share of tasks: over which it is, and which of them are good. Tasks of which there is nothing to count say nothing. */
export interface TaskShare {
  counts?(task: TaskRow): boolean
  isGood(task: TaskRow, gate: Gate): boolean
}

const isOk = ({ outcome }: TaskRow): boolean => outcome === 'ok'

export const taskShares = {
  success: { isGood: isOk },
  'exposed-success': { counts: ({ exposed }) => exposed, isGood: isOk },
  late: { isGood: ({ outcome }) => !isOutcome('late', outcome) },
  lost: { isGood: ({ outcome }) => !isOutcome('lost', outcome) },
  duplicates: { counts: isCounted('executions'), isGood: ({ executions = 0 }) => executions <= 1 },
  requests: { counts: isCounted('requests'), isGood: ({ requests = 0 }, { atMost }) => requests <= atMost! },
  posts: { counts: isCounted('posts'), isGood: ({ posts = 0 }, { atMost }) => posts <= atMost! },
  executions: { counts: isCounted('executions'), isGood: ({ executions = 0 }, { atMost }) => executions <= atMost! },
} as const satisfies Readonly<Record<string, TaskShare>>

function isCounted(name: 'requests' | 'posts' | 'executions'): (task: TaskRow) => boolean {
  return (task) => task[name] !== undefined
}

/** Tasks that count against a gate, whatever the gate is on; none where it is not on a share of tasks. */
export function missesIn(tasks: readonly TaskRow[], gate: Gate): readonly TaskRow[] {
  const share: TaskShare | undefined = (taskShares as Readonly<Record<string, TaskShare>>)[gate.metric]
  if (!share) return []
  return tasks.filter((task) => (share.counts?.(task) ?? true) && !share.isGood(task, gate))
}
