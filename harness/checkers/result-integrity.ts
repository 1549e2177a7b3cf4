import { conclude } from '../analysis/conclusion.ts'
import type { OpOf } from '../model/history.ts'
import { taskEnd, type TaskTrace, traceOf } from '../analysis/trace.ts'
import type { Checker } from '../model/checker.ts'

/**
 * Every result that a client accepted has the digest of the right answer: no step lost, repeated or out of order. So has every
 * one that the server keeps for a client that did not see it. A completed task of which it has none any more, or sends none, has
 * lost it, where the work is outlast's own. So has a server that loses no task, and knows nothing of one whose client has its result.
 */
const checker: Checker = {
  name: 'result-integrity',
  summary: 'a result that a client accepts, or that is kept for it, is the right one',
  judges: 'result-integrity',
  check(history) {
    const trace = traceOf(history)
    const accepted = trace.tasks.filter(acceptedResult)
    const wrong = accepted.filter((task) => taskEnd(task)?.digest !== task.intent.expectedDigest)
    const isOwn = trace.cell?.ownWork === undefined
    const isKept = trace.cell?.promises.includes('no-lost-task') ?? false
    const wrongWords = (task: TaskTrace) => [
      ...otherWords(task),
      ...(isOwn ? emptyWords(task) : []),
      ...(isKept ? forgottenWords(task) : []),
    ]
    const kept = trace.tasks.filter((task) => wrongWords(task).length > 0)
    const unseen = kept.filter((task) => !acceptedResult(task))
    const broken = [...new Set([...wrong, ...kept])]
    return conclude(trace, {
      judged: accepted.length + unseen.length,
      unit: 'results',
      complaint: 'were not the right answer',
      broken: broken.map((task) => [task.invoke, task.end, ...wrongWords(task)].flatMap((op) => op?.index ?? [])),
      counts: { wrongOnServer: kept.length },
      kind: 'safety',
    })
  },
}
export default checker

/** Word of a failed task is an end, but not a result. */
function acceptedResult(task: TaskTrace): boolean {
  return task.end?.type === 'ok' && (taskEnd(task)?.status ?? 'completed') === 'completed'
}

/** What the server says of a completed task after the run, and what it sent to its receiver, with another result than the right one. */
function otherWords({ finals, callbacks, intent }: TaskTrace): readonly (OpOf<'final'> | OpOf<'callback'>)[] {
  return [...finals, ...callbacks].filter(({ value: { status, digest } }) => {
    return status === 'completed' && typeof digest === 'string' && digest !== intent.expectedDigest
  })
}

/** Others than outlast's own work need not say what came of it. */
function emptyWords({ finals, callbacks }: TaskTrace): readonly (OpOf<'final'> | OpOf<'callback'>)[] {
  return [...finals, ...callbacks].filter(({ value: { status, digest } }) => status === 'completed' && digest === null)
}

/** It was there: its client has its result. */
function forgottenWords(task: TaskTrace): readonly OpOf<'final'>[] {
  if (!acceptedResult(task)) return []
  return task.finals.filter(({ type, value }) => {
    return type === 'ok' && !value.found && value.taskId === taskEnd(task)?.taskId
  })
}
