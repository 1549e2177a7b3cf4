import { conclude } from '../analysis/conclusion.ts'
import { type ControlTrace, type TaskTrace, traceOf } from '../analysis/trace.ts'
import type { Checker } from '../model/checker.ts'

/**
 * One idempotency key is one task. All acknowledgements, effects, callbacks, results and final reads of a key name the
 * same task id, also after a lost acknowledgement. No two keys share a task. A key tests this when it was sent again
 * although the attempt before may have been accepted. This holds for the tasks beside the load, too.
 */
const checker: Checker = {
  name: 'idempotency',
  summary: 'one idempotency key is one task, whatever was lost or repeated on the way',
  judges: 'idempotency',
  check(history) {
    const trace = traceOf(history)
    const named = [...trace.tasks.map(firstOpPerId), ...[...trace.controls.values()].map(firstOpPerIdBeside)].filter(
      (ids) => ids.length > 0,
    )
    const doubled = named.filter((ids) => ids.length > 1).map((ids) => ids.map(({ index }) => index))
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

/** An op that shows a task id. */
interface Sign {
  readonly index: number
  readonly value: { readonly taskId?: string }
}

interface FirstSign {
  readonly id: string
  readonly index: number
}

/** Every task id that the server used for this key, with the first op that shows it. */
function firstOpPerId({ submits, effects, callbacks, finals, end }: TaskTrace): readonly FirstSign[] {
  return firstOfEach([
    ...submits.filter(({ type }) => type === 'ok'),
    ...effects,
    ...callbacks,
    ...finals.filter(({ type, value }) => type === 'ok' && value.found),
    ...(end?.type === 'ok' ? [end as Sign] : []),
  ])
}

function firstOfEach(signs: readonly Sign[]): readonly FirstSign[] {
  const found: FirstSign[] = []
  for (const { index, value } of signs) {
    const id = value.taskId
    if (id && !found.some((one) => one.id === id)) found.push({ id, index })
  }
  return found
}

/** Of a task beside the load: its own effects, and what its client was told. Those below it have names of their own. */
function firstOpPerIdBeside({ key, seen, effects }: ControlTrace): readonly FirstSign[] {
  const accepted = seen.filter(({ value }) => value.moment === 'accepted')
  return firstOfEach([...accepted, ...effects.filter(({ task }) => task === key)])
}

function findShared(named: readonly (readonly FirstSign[])[]): number[][] {
  const owner = new Map<string, number>()
  const shared: number[][] = []
  for (const ids of named)
    for (const { id, index } of ids) {
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
