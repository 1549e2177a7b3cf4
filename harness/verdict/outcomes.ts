import { isLate, serverHas } from '../analysis/lateness.ts'
import type { CellPlan } from '../model/plan.ts'
import { isTerminal } from '../../patterns/contract/types/task.ts'
import { taskEnd, type TaskTrace } from '../analysis/trace.ts'
import type { Outcome } from '../model/results.ts'

export interface Fate {
  readonly outcome: Outcome
  /** When the client saw the right result (`ok`, `late`); Infinity for never, as where it gave up before. */
  readonly seenAt: number
  /** There is evidence that the server had the right result: the client's, a callback's, or the final read's. */
  readonly serverHas: boolean
}

/**
 * Exactly one outcome per intended task. What the client knows decides; where it knows nothing, the
 * server's word after heal and drain does. Without that word an accepted task is `stuck`, any other `lost_everywhere`
 * (and anti-vacuity says that no party could tell). A right result is late, not lost, whenever it comes. So is one that
 * the server had only when its client's patience was ending (`isLate`); the scenario's `grace` sets that patience. What
 * the end of the run came before is cut: also a task without an end in a history that is not `whole`.
 */
export function decideFate(task: TaskTrace, whole = true, cell?: CellPlan): Fate {
  if (taskEnd(task)?.reason === 'cut' || (!whole && !task.end))
    return { outcome: 'cut', seenAt: Infinity, serverHas: hasServerEvidence(task) }
  const outcome = classify(task, cell)
  const saw = task.end?.type === 'ok' && (outcome === 'ok' || outcome === 'late')
  const seenAt = saw ? task.end!.at : Infinity
  return { outcome, seenAt, serverHas: seenAt < Infinity || hasServerEvidence(task) }
}

function classify(task: TaskTrace, cell: CellPlan | undefined): Outcome {
  const { end } = task
  if (taskEnd(task)?.reason === 'not-offered') return 'not_offered'
  if (end?.type === 'ok') return classifyResult(task)
  if (end?.type === 'fail') return 'failed_known'
  if (!hasServerEvidence(task)) return classifyUnseen(task)
  return isLate(task, cell) ? 'late' : 'lost_result'
}

function classifyResult(task: TaskTrace): Outcome {
  const { intent } = task
  const { status = 'completed', digest } = taskEnd(task)!
  if (status !== 'completed') return 'failed_known'
  if (digest !== intent.expectedDigest) return 'wrong'
  return task.end!.at <= intent.deadlineAt ? 'ok' : 'late'
}

function classifyUnseen({ finals, submits }: TaskTrace): Outcome {
  const told = finals.findLast(({ type }) => type === 'ok')
  if (!told) return submits.some(({ type }) => type === 'ok') ? 'stuck' : 'lost_everywhere'
  const { found, status } = told.value
  return found && status && !isTerminal(status) ? 'stuck' : 'lost_everywhere'
}

function hasServerEvidence(task: TaskTrace): boolean {
  const seen = task.end?.type === 'ok' && taskEnd(task)?.digest === task.intent.expectedDigest
  return seen || serverHas(task)
}
