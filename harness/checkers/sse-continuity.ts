import { conclude } from '../core/conclusion.ts'
import type { OpOf } from '../core/history.ts'
import { type TaskTrace, traceOf } from '../core/trace.ts'
import type { Checker } from '../core/types.ts'

/**
 * On every stream the events follow each other without gap or repetition, from the position that the client resumed
 * after (`Last-Event-ID`), and no resumption skips what the client had seen neither on a stream nor by polling.
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
  const { events, streams, polls } = task
  let [reached, known, previous] = [0, 0, task.invoke.index]
  for (const op of [...events, ...streams, ...polls].sort((a, b) => a.index - b.index)) {
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

function describe(op: OpOf<'event'>, reached: number, previous: number): Breach {
  return { kind: op.value.seq <= reached ? 'repetition' : 'gap', indexes: [previous, op.index] }
}
