import { conclude } from '../analysis/conclusion.ts'
import { type TaskTrace, traceOf } from '../analysis/trace.ts'
import type { Checker } from '../model/checker.ts'

/**
 * A callback that is sent again is the same message: it says the same about its task under the same id, in the same bytes. Else a
 * receiver cannot tell a repetition from news. Put to the test by tasks of which the system posted the same state twice.
 */
const checker: Checker = {
  name: 'callback-identity',
  summary: 'a callback that is sent again is the same message: the same id and the same bytes',
  judges: 'callback-identity',
  check(history) {
    const trace = traceOf(history)
    const repeated = trace.tasks.flatMap(({ callbacks }) => repetitionsOf(callbacks))
    const broken = repeated.map(findOther).filter((pair) => pair.length > 0)
    return conclude(trace, {
      judged: trace.tasks.length,
      unit: 'tasks',
      complaint: 'had a callback again under another id or in other bytes',
      broken,
      counts: { repeated: repeated.length, repetitions: repeated.reduce((sum, { length }) => sum + length - 1, 0) },
      exercise: { times: repeated.length, lacking: 'no callback was sent again' },
      kind: 'safety',
    })
  },
}
export default checker

type Posts = TaskTrace['callbacks']

/** Posts of one task that say the same, where there are several: a running task may have news. */
function repetitionsOf(posts: Posts): readonly Posts[] {
  const same = Map.groupBy(posts, ({ value }) => `${value.taskId} ${value.status}`)
  return [...same.values()].filter(({ length }) => length > 1)
}

/** The first post and one that is another message; empty where all are the same. Records of old have no bytes. */
function findOther([first, ...others]: Posts): readonly number[] {
  const { deliveryId, bytes } = first!.value
  const other = others.find(({ value }) => {
    const differs = bytes !== undefined && value.bytes !== undefined && value.bytes !== bytes
    return value.deliveryId !== deliveryId || differs
  })
  return other ? [first!.index, other.index] : []
}
