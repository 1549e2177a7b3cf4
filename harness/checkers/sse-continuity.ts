import { conclude } from '../core/conclusion.ts'
import type { OpOf } from '../core/history.ts'
import { type TaskTrace, traceOf } from '../core/trace.ts'
import type { Checker } from '../core/types.ts'

/**
 * On every stream the events follow each other without gap or repetition, from the position that the client resumed
 * after (`Last-Event-ID`), and no resumption skips what the client had seen neither on a stream nor by polling. Put to the
 * test by resumptions: a stream that never broke off shows nothing of the promise.
 */
const checker: Checker = {
  name: 'sse-continuity',
  summary: 'a resumed stream has no gap and no repetition',
  judges: 'sse-continuity',
  check(history) {
    const trace = traceOf(history)
    const streamed = trace.tasks.filter(({ events }) => events.length > 0)
    const breaches = streamed.map(findBreach).filter((breach) => breach !== undefined)
    const resumed = streamed.flatMap(({ streams }) => streams).filter(({ value }) => (value.after ?? 0) > 0).length
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
      if (op.value.seq !== reached + 1) return describe(op, reached, previous)
      ;[reached, known, previous] = [op.value.seq, Math.max(known, op.value.seq), op.index]
    }
  }
  return undefined
}

type Seen = TaskTrace['events' | 'streams' | 'polls'][number]

/** Each list is in the order of recording already. */
function* inOrder({ events, streams, polls }: TaskTrace): Generator<Seen> {
  const lists: readonly (readonly Seen[])[] = [events, streams, polls]
  const next = [0, 0, 0]
  for (;;) {
    let first = -1
    for (let i = 0; i < 3; i++) {
      const op = lists[i]![next[i]!]
      if (op && (first < 0 || op.index < lists[first]![next[first]!]!.index)) first = i
    }
    if (first < 0) return
    yield lists[first]![next[first]!++]!
  }
}

function describe(op: OpOf<'event'>, reached: number, previous: number): Breach {
  return { kind: op.value.seq <= reached ? 'repetition' : 'gap', indexes: [previous, op.index] }
}
