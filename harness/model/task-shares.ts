import { isOutcome } from './outcome-words.ts'
import type { Gate } from './plan.ts'
import type { TaskRow } from './results.ts'

/** A share of tasks: over which it is, and which of them are good. Tasks of which there is nothing to count say nothing. */
export interface TaskShare {
  counts?(task: TaskRow): boolean
  isGood(task: TaskRow, gate: Gate): boolean
}

const isOk = ({ outcome }: TaskRow): boolean => outcome === 'ok'
/** The right result. Who was told of a failure, or took a wrong one, has none. */
const hasResult = ({ outcome }: TaskRow): boolean => isOutcome('ok', outcome) || isOutcome('late', outcome)

export const taskShares = {
  success: { isGood: isOk },
  'exposed-success': { counts: ({ exposed }) => exposed, isGood: isOk },
  late: { counts: hasResult, isGood: isOk },
  lost: { isGood: hasResult },
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
  const share = shareOf(gate)
  if (!share) return []
  return countedIn(tasks, gate).filter((task) => !share.isGood(task, gate))
}

/** Tasks that a gate is over; all of them where it is not on a share of tasks. */
export function countedIn(tasks: readonly TaskRow[], gate: Gate): readonly TaskRow[] {
  const { counts } = shareOf(gate) ?? {}
  return counts ? tasks.filter(counts) : tasks
}

function shareOf({ metric }: Gate): TaskShare | undefined {
  return (taskShares as Readonly<Record<string, TaskShare>>)[metric]
}
