import { conclude } from '../analysis/conclusion.ts'
import { taskEnd, type TaskTrace, traceOf } from '../analysis/trace.ts'
import type { Checker } from '../model/checker.ts'

/**
 * One idempotency key is one task. All acknowledgements, effects, callbacks, results and final reads of a key name the
 * same task id, also after a lost acknowledgement. No two keys share a task. A key tests this when it was sent again
 * although the attempt before may have been accepted.
 */
const checker: Checker = {
  name: 'idempotency',
  summary: 'one idempotency key is one task, whatever was lost or repeated on the way',
  judges: 'idempotency',
  check(history) {
    const trace = traceOf(history)
    const named = trace.tasks.map(firstOpPerId).filter((ids) => ids.size > 0)
    const doubled = named.filter((ids) => ids.size > 1).map((ids) => [...ids.values()])
    const shared = findShared(named)
    return conclude(trace, {
      judged: named.length,
      unit: 'idempotency keys',
      complaint: 'did not stand for exactly one task of their own',
      broken: [...doubled, ...shared],
      counts: { doubled: doubled.length, shared: shared.length, replayed: trace.tasks.filter(wasReplayed).length },
      exercise: {
        times: trace.tasks.filter(wasSentAgain).length,
        lacking: 'no key was sent again after it may have been accepted',
      },
      kind: 'safety',
    })
  },
}
export default checker

/** Every task id that the server used for this key, with the first op that shows it. */
function firstOpPerId(task: TaskTrace): ReadonlyMap<string, number> {
  const ids = new Map<string, number>()
  const finals = task.finals.filter(({ type, value }) => type === 'ok' && value.found)
  const accepted = task.submits.filter(({ type }) => type === 'ok')
  const results = task.end?.type === 'ok' ? [{ index: task.end.index, value: taskEnd(task)! }] : []
  for (const ops of [accepted, task.effects, task.callbacks, finals, results])
    for (const { index, value } of ops) if (value.taskId && !ids.has(value.taskId)) ids.set(value.taskId, index)
  return ids
}

function findShared(named: readonly ReadonlyMap<string, number>[]): number[][] {
  const owner = new Map<string, number>()
  const shared: number[][] = []
  for (const ids of named)
    for (const [id, index] of ids) {
      const other = owner.get(id)
      if (other === undefined) owner.set(id, index)
      else shared.push([other, index])
    }
  return shared
}

function wasReplayed({ submits }: TaskTrace): boolean {
  return submits.some(({ type, value }) => type === 'ok' && value.replayed)
}

/** An attempt that failed for certain, as a refused connection does, leaves nothing behind that could become a second task. */
function wasSentAgain(task: TaskTrace): boolean {
  if (wasReplayed(task)) return true
  const first = task.submits.find(({ type }) => type === 'info' || type === 'ok')
  return (
    first !== undefined &&
    task.submits.some(({ index, value }) => index > first.index && value.attempt > first.value.attempt)
  )
}
