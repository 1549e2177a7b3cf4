import { conclude } from '../analysis/conclusion.ts'
import { controlledWork } from '../analysis/controlled-work.ts'
import type { Op } from '../model/history.ts'
import { type TaskTrace, traceOf } from '../analysis/trace.ts'
import type { Checker } from '../model/checker.ts'

/**
 * Nothing happens for work that nobody submitted. There is no such effect, event, callback, result or task in the final
 * state. No effect belongs to a step that no task has.
 */
const checker: Checker = {
  name: 'no-phantom',
  summary: 'no result, event or callback for a task that nobody submitted',
  judges: 'no-phantom',
  check(history) {
    const trace = traceOf(history)
    const unsubmitted = trace.tasks.filter(({ submits }) => submits.length === 0).flatMap(ownOps)
    const submitted = trace.tasks.filter(({ submits }) => submits.length > 0)
    const steps = trace.tasks.reduce((most, { intent }) => Math.max(most, intent.steps), 0)
    const beyond = submitted.flatMap(({ effects }) => effects.filter(({ value }) => value.step > steps))
    const beside = controlledWork(trace).flatMap(({ executions, steps: own = Infinity }) =>
      executions.filter(({ step }) => step > own).map(({ op }) => op),
    )
    const phantoms = [...[...trace.strays, ...unsubmitted].filter(isServersDoing), ...beyond, ...beside]
    const observed = submitted.reduce((sum, task) => sum + countServersDoings(task), 0)
    return conclude(trace, {
      judged: observed + phantoms.length - beyond.length - beside.length,
      unit: 'effects, events, callbacks and reads',
      complaint: 'belonged to work that nobody submitted',
      broken: phantoms.map(({ index }) => [index]),
      counts: {
        executedThoughRefused: submitted.filter(ranThoughRefused).length,
        ...(trace.foreign.length > 0 && { foreignCallbacks: trace.foreign.length }),
      },
      kind: 'safety',
    })
  },
}
export default checker

function ownOps(task: TaskTrace): readonly Op[] {
  return [...task.effects, ...task.events, ...task.callbacks, ...task.polls, ...task.finals]
}

function countServersDoings({ effects, events, callbacks, polls, finals }: TaskTrace): number {
  return effects.length + events.length + callbacks.length + [...polls, ...finals].filter(isServersDoing).length
}

function isServersDoing(op: Op): boolean {
  if (op.f === 'effect' || op.f === 'event' || op.f === 'callback') return true
  if (op.f === 'poll') return op.type === 'ok'
  return op.f === 'final' && op.type === 'ok' && op.value.found
}

/** Counted, not judged: a server may hold a task whose acceptance it could not confirm. */
function ranThoughRefused({ submits, effects }: TaskTrace): boolean {
  const ends = submits.filter(({ type }) => type !== 'invoke')
  return effects.length > 0 && ends.length > 0 && ends.every(({ type }) => type === 'fail')
}
