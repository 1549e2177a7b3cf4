import { conclude } from '../analysis/conclusion.ts'
import { type TaskTrace, traceOf } from '../analysis/trace.ts'
import type { Checker } from '../model/checker.ts'
import { isTerminal } from '../../patterns/contract/types/task.ts'

/**
 * A callback that is sent again is the same message: it says the same about its task under the same id, in the same bytes. And no
 * two messages have one id. Else a receiver cannot tell a repetition from news. Put to the test by tasks of which the system
 * posted the same message twice.
 */
const checker: Checker = {
  name: 'callback-identity',
  summary: 'a callback that is sent again is the same message: the same id and the same bytes',
  judges: 'callback-identity',
  check(history) {
    const trace = traceOf(history)
    const repeated = trace.tasks.flatMap(({ callbacks }) => repetitionsOf(callbacks))
    const other = repeated.map(findOther).filter((pair) => pair.length > 0)
    const shared = sharedIds(trace.tasks)
    return conclude(trace, {
      judged: trace.tasks.length,
      unit: 'tasks',
      complaint: `had a callback again under another id or in other bytes${shared.length > 0 ? ', or two messages under one id' : ''}`,
      broken: [...other, ...shared],
      counts: { repeated: repeated.length, repetitions: repeated.reduce((sum, { length }) => sum + length - 1, 0) },
      exercise: { times: repeated.length, lacking: 'no callback was sent again' },
      kind: 'safety',
    })
  },
}
export default checker

type Posts = TaskTrace['callbacks']

/** Posts of one task that say the same, where there are several. */
function repetitionsOf(posts: Posts): readonly Posts[] {
  return [...Map.groupBy(posts, messageOf).values()].filter(({ length }) => length > 1)
}

/** There is one message of an end. A running task may have news: that is what the bytes are, or the id where a record has none. */
function messageOf({ value: { taskId, status, bytes, deliveryId } }: Posts[number]): string {
  const isEnd = status !== undefined && isTerminal(status)
  return `${taskId} ${status}${isEnd ? '' : ` ${bytes ?? deliveryId}`}`
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

/** Two messages under one id: a receiver takes the second for a repetition. Who has no ids shares none. */
function sharedIds(tasks: readonly TaskTrace[]): readonly (readonly number[])[] {
  const posts = tasks.flatMap(({ callbacks }) => callbacks).filter(({ value }) => value.deliveryId !== '')
  return [...Map.groupBy(posts, ({ value }) => value.deliveryId).values()].flatMap((same) => {
    const other = same.find((post) => messageOf(post) !== messageOf(same[0]!))
    return other ? [[same[0]!.index, other.index]] : []
  })
}
