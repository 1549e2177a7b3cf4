import { conclude } from '../analysis/conclusion.ts'
import type { OpOf } from '../model/history.ts'
import { type TaskTrace, traceOf } from '../analysis/trace.ts'
import type { Checker } from '../model/checker.ts'

/**
 * On every stream the events follow each other without gap or repetition, from the position that the client resumed
 * after (`Last-Event-ID`). No resumption skips an event that the client had not seen on a stream or by polling. No
 * event is of another task. Only a resumption with events after it tests the promise. A stream that never broke off, or
 * had nothing more to bring, does not.
 */
const checker: Checker = {
  name: 'stream-continuity',
  summary: 'a resumed stream has no gap and no repetition',
  judges: 'stream-continuity',
  check(history) {
    const trace = traceOf(history)
    const streamed = trace.tasks.filter(({ events }) => events.length > 0)
    const breaches = streamed.map(findBreach).filter((breach) => breach !== undefined)
    const resumed = streamed.reduce((sum, task) => sum + resumptionsOf(task), 0)
    return conclude(trace, {
      judged: streamed.length,
      unit: 'streamed tasks',
      complaint: 'had a gap or a repetition',
      broken: breaches.map(({ indexes }) => indexes),
      counts: {
        gaps: breaches.filter(({ kind }) => kind === 'gap').length,
        repetitions: breaches.filter(({ kind }) => kind === 'repetition').length,
        resumptions: resumed,
      },
      exercise: { times: resumed, lacking: 'no resumption put it to the test' },
      kind: 'safety',
    })
  },
}
export default checker

/** Streams that were resumed after an event, and brought another one before the next was opened. */
function resumptionsOf({ streams, events }: TaskTrace): number {
  const opened = streams.filter(({ value }) => value.state === 'open')
  return opened.filter(({ index, value }, i) => {
    const until = opened[i + 1]?.index ?? Infinity
    return (value.after ?? 0) > 0 && events.some((event) => event.index > index && event.index < until)
  }).length
}

interface Breach {
  readonly kind: 'gap' | 'repetition'
  readonly indexes: number[]
}

function findBreach(task: TaskTrace): Breach | undefined {
  let [reached, known, previous] = [0, 0, task.invoke.index]
  for (const op of inOrder(task)) {
    if (op.f === 'poll') known = Math.max(known, op.value.version ?? 0)
    else if (op.f === 'stream') {
      if (op.value.state !== 'open') continue
      if ((op.value.after ?? 0) > Math.max(known, reached)) return { kind: 'gap', indexes: [previous, op.index] }
      reached = op.value.after ?? reached
    } else {
      if (op.value.taskId !== task.streams[0]?.value.taskId && task.streams.length > 0)
        return { kind: 'gap', indexes: [previous, op.index] }
      if (op.value.seq !== reached + 1) return describe(op, reached, previous)
      ;[reached, known, previous] = [op.value.seq, Math.max(known, op.value.seq), op.index]
    }
  }
  return undefined
}

type Seen = TaskTrace['events' | 'streams' | 'polls'][number]

/** Each list is in the order of recording already. */
function inOrder({ events, streams, polls }: TaskTrace): readonly Seen[] {
  const seen: Seen[] = []
  const lists: readonly (readonly Seen[])[] = [events, streams, polls]
  const next = [0, 0, 0]
  for (;;) {
    let first = -1
    for (let i = 0; i < 3; i++) {
      const op = lists[i]![next[i]!]
      if (op && (first < 0 || op.index < lists[first]![next[first]!]!.index)) first = i
    }
    if (first < 0) return seen
    seen.push(lists[first]![next[first]!++]!)
  }
}

function describe(op: OpOf<'event'>, reached: number, previous: number): Breach {
  return { kind: op.value.seq <= reached ? 'repetition' : 'gap', indexes: [previous, op.index] }
}
