import { conclude } from '../core/conclusion.ts'
import { type CellTrace, taskEnd, type TaskTrace, traceOf } from '../core/trace.ts'
import type { Checker } from '../core/types.ts'

/**
 * Every task whose submission was acknowledged ends, for its client, in a terminal state: a result, or word that the task
 * failed. Not: giving up, hanging, or being told that the task is unknown. A client whose patience ended inside
 * a fault's window had no chance after the heal: excused, and counted.
 */
const checker: Checker = {
  name: 'no-lost-task',
  summary: 'every accepted task reaches a terminal state that its client sees',
  judges: 'no-lost-task',
  check(history) {
    const trace = traceOf(history)
    const accepted = trace.tasks.filter(({ submits }) => submits.some(({ type }) => type === 'ok'))
    const unseen = accepted.filter((task) => !sawEnd(task))
    const excused = unseen.filter((task) => gaveUpUnderFault(task, trace))
    const broken = unseen.filter((task) => !excused.includes(task))
    const judged = accepted.length - excused.length
    return conclude(trace, {
      judged,
      unit: 'accepted tasks',
      complaint: 'never reached a terminal state that their client saw',
      broken: broken.map(witness),
      counts: { excused: excused.length },
      kind: 'liveness',
    })
  },
}
export default checker

function sawEnd(task: TaskTrace): boolean {
  const { end } = task
  if (!end || end.at > task.intent.giveUpAt) return false
  return end.type === 'ok' || (end.type === 'fail' && taskEnd(task)?.reason === 'task-failed')
}

function gaveUpUnderFault({ end, intent }: TaskTrace, { faults, endAt }: CellTrace): boolean {
  if (end?.type === 'fail') return false
  return faults.some(({ proven, armedAt, healedAt = endAt }) => {
    return proven && armedAt !== undefined && armedAt <= intent.giveUpAt && intent.giveUpAt < healedAt
  })
}

function witness({ invoke, submits, end, finals }: TaskTrace): number[] {
  const accepted = submits.find(({ type }) => type === 'ok')
  return [invoke, accepted, end, finals.at(-1)].flatMap((op) => (op ? [op.index] : []))
}
