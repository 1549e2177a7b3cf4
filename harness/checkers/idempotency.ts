import { conclude } from '../core/conclusion.ts'
import { type TaskTrace, traceOf } from '../core/trace.ts'
import type { Checker } from '../core/types.ts'

/**
 * One idempotency key is one task: all acknowledgements, effects, callbacks and final reads of a key name the same task
 * id, also when an acknowledgement was lost; and no two keys share a task.
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
      counts: { doubled: doubled.length, shared: shared.length, replayed: countReplayed(trace.tasks) },
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
  for (const { index, value } of [...accepted, ...task.effects, ...task.callbacks, ...finals])
    if (value.taskId && !ids.has(value.taskId)) ids.set(value.taskId, index)
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

function countReplayed(tasks: readonly TaskTrace[]): number {
  return tasks.filter(({ submits }) => submits.some(({ type, value }) => type === 'ok' && value.replayed)).length
}
