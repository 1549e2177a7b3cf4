import { conclude } from '../analysis/conclusion.ts'
import {
  controlsOf,
  effectsBelow,
  hasControl,
  isFamilyRead,
  logOf,
  logsOf,
  mayBeGone,
  type ReadLog,
} from '../analysis/control.ts'
import { type ControlTrace, traceOf } from '../analysis/trace.ts'
import type { Checker } from '../model/checker.ts'

/**
 * A step starts each of its sub-tasks once. By the ledger all effects of one piece of work are of one task. By the logs no
 * sub-task is started twice, under one id or for one piece of work, and what has an effect was started by somebody. Logs may be
 * missing where a process that ended took them with it, and where tasks may be lost. Put to the test where somebody went on
 * with a task of a family whose sub-tasks were at work.
 */
const checker: Checker = {
  name: 'spawn-once',
  summary: 'a step starts each of its sub-tasks once, however often it is repeated',
  judges: 'spawn-once',
  isAbout: hasControl('rogue'),
  check(history) {
    const trace = traceOf(history)
    const families = controlsOf(trace, 'rogue').filter((one) => logOf(one) || effectsBelow(one).length > 0)
    const broken = families.map(breachOf)
    const known = families.filter((one, i) => broken[i]!.length > 0 || isFamilyRead(one) || mayBeGone(one, trace))
    const unread = families.length - known.length
    return conclude(trace, {
      judged: known.length,
      unit: 'families of tasks',
      complaint: 'have a sub-task that was started twice, or by nobody',
      broken: broken.filter((ops) => ops.length > 0),
      counts: {
        subTasks: families.reduce((sum, one) => sum + new Set(effectsBelow(one).map(({ task }) => task)).size, 0),
        resumed: families.reduce((sum, one) => sum + logsOf(one).filter(wasResumed).length, 0),
      },
      excused: unread,
      otherwise: { many: unread, why: 'have a log that nobody could read' },
      exercise: exerciseOf(known),
      kind: 'safety',
    })
  },
}
export default checker

function exerciseOf(known: readonly ControlTrace[]) {
  const atWork = known.filter((one) => effectsBelow(one).length > 0)
  if (atWork.length === 0) return { times: 0, lacking: 'no sub-task began a step' }
  const again = atWork.filter(
    (one) => one.effects.some(({ value }) => value.attempt > 1) || logsOf(one).some(wasResumed),
  )
  return { times: again.length, lacking: 'nobody had to go on with any of them' }
}

function wasResumed({ events }: ReadLog): boolean {
  return events.some(({ type }) => type === 'task.resumed')
}

function breachOf(one: ControlTrace): readonly number[] {
  return [...startedTwice(one), ...doneByTwo(one), ...startedByNobody(one)]
}

interface Start {
  readonly index: number
  readonly id: unknown
  readonly work: unknown
}

function startsIn(logs: readonly ReadLog[]): readonly Start[] {
  return logs.flatMap(({ op, events }) =>
    events.flatMap(({ type, data }) => {
      const work = (data['input'] as { readonly job?: unknown } | undefined)?.job
      return type === 'task.spawned' ? { index: op.index, id: data['sub_task'], work } : []
    }),
  )
}

/** Under one id, or for one piece of work. A start need not say for which. */
function startedTwice(one: ControlTrace): readonly number[] {
  const starts = startsIn(logsOf(one))
  const isAgain = ({ id, work }: Start, i: number): boolean =>
    starts.slice(0, i).some((earlier) => earlier.id === id || (work !== undefined && earlier.work === work))
  return starts.filter(isAgain).map(({ index }) => index)
}

function doneByTwo({ effects }: ControlTrace): readonly number[] {
  const idOf = new Map<string | undefined, string>()
  return effects.flatMap(({ index, task, value }) => {
    const known = idOf.get(task) ?? value.taskId
    idOf.set(task, known)
    return known === value.taskId ? [] : index
  })
}

/** Who could not be read may have started it. */
function startedByNobody(one: ControlTrace): readonly number[] {
  const logs = logsOf(one)
  const started = new Set(startsIn(logs).map(({ id }) => id))
  const read = new Set(logs.map(({ op }) => op.value.taskId))
  const isWhole = [...started].every((id) => read.has(id as string))
  if (logs.length === 0 || !isWhole) return []
  return effectsBelow(one).flatMap(({ index, value }) => (started.has(value.taskId) ? [] : index))
}
