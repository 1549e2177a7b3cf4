import type { Op, OpOf, TaskIntent } from '../../model/history.ts'
import { jobKey } from '../../run/jobs.ts'
import { type Draft, type Edit, intentOf, isEnd, ops, type Recorded, revalue, rewrite, withoutEffects } from './edit.ts'

const one = jobKey(7)
const other = jobKey(8)
const seven = [2, 5, 6, 11, 12, 13, 20].map(jobKey)
const laterMs = 100

/** Edits of what a null pattern left behind, each with the verdict that it must get (judged as `outlast check --edited`). */
export const edits: readonly Edit[] = [
  { name: 'nothing', arm: 'none', expected: 'PASS', change: (recorded) => recorded },
  ...[[one], seven].flatMap((jobs): readonly Edit[] => [
    {
      name: `${jobs.length} lost everywhere`,
      arm: 'none',
      expected: `FAIL no-lost-task, lost_everywhere ${jobs.length}`,
      change: lose(jobs, () => ({ found: false })),
    },
    {
      name: `${jobs.length} lost after storing`,
      arm: 'none',
      expected: `FAIL no-lost-task, lost_result ${jobs.length}`,
      change: lose(jobs, (digest) => ({ found: true, status: 'completed', digest, version: 6 })),
    },
    {
      name: `${jobs.length} steps repeated`,
      arm: 'none',
      expected: `FAIL effect-once, duplicates ${jobs.length}`,
      change: repeat(jobs),
    },
  ]),
  {
    name: 'two results swapped',
    arm: 'none',
    expected: 'FAIL result-integrity, wrong 2',
    change: (recorded) => {
      const swapped = new Map(
        [
          [one, other],
          [other, one],
        ].map(([to, from]) => [to!, intentOf(recorded.history, from!)]),
      )
      return revalue(
        'task',
        (op) => (isEnd(op) && swapped.has(op.task!) && { digest: swapped.get(op.task!)!.expectedDigest }) || undefined,
      )(recorded)
    },
  },
  {
    name: 'a completed task without a digest',
    arm: 'none',
    expected: 'FAIL result-integrity, wrong 1',
    change: revalue('task', (op) => (isEnd(op) && op.task === one ? { digest: null } : undefined)),
  },
  {
    name: 'one effect taken away',
    arm: 'none',
    expected: 'FAIL effect-at-least-once',
    change: withoutEffects(({ task, value }) => task === one && value.step === 2),
  },
  {
    name: 'the last step of all tasks taken away',
    arm: 'none',
    expected: 'FAIL effect-at-least-once',
    change: withoutEffects(({ value }) => value.step === 3),
  },
  {
    name: `every result seen ${laterMs} ms later`,
    arm: 'none',
    expected: `PASS, p50 +${laterMs}`,
    change: ops((op) => [isEnd(op) ? { ...op, at: op.at + laterMs } : op]),
  },
  {
    name: 'a result seen just after the deadline',
    arm: 'none',
    expected: 'PASS, late 1',
    change: (recorded) => {
      const { deadlineAt } = intentOf(recorded.history, one)
      return ops((op) => [isEnd(op) && op.task === one ? { ...op, at: deadlineAt + 0.001 } : op])(recorded)
    },
  },
  {
    name: 'every result seen 10 ms after its intended start',
    arm: 'none',
    expected: 'INVALID',
    change: (recorded) =>
      ops((op) => [isEnd(op) ? { ...op, at: intentOf(recorded.history, op.task!).intendedAt + 10 } : op])(recorded),
  },
  {
    name: 'a task without an end',
    arm: 'none',
    expected: 'INVALID',
    change: ops((op) => (isEnd(op) && op.task === one ? [] : [op])),
  },
  {
    name: 'a task that ends twice',
    arm: 'none',
    expected: 'INVALID',
    change: ops((op) => (isEnd(op) && op.task === one ? [op, added(op)] : [op])),
  },
  {
    name: 'a task taken away',
    arm: 'none',
    expected: 'INVALID',
    change: (recorded) => {
      const { history } = withoutEffects(({ task }) => task === one)(recorded)
      return {
        ...withoutEffects(({ task }) => task === one)(recorded),
        history: rewrite(history, (op) => (op.task === one ? [] : [op])),
      }
    },
  },
  {
    name: 'a client that follows another task than its own',
    arm: 'none',
    expected: 'INVALID',
    change: revalue('stream', (op) => (op.task === one ? { taskId: 'task_of_nobody' } : undefined)),
  },
  {
    name: 'a task of another length than all others',
    arm: 'none',
    expected: 'INVALID',
    change: revalue('task', (op) => (op.type === 'invoke' && op.task === one ? { steps: 2 } : undefined)),
  },
  {
    name: 'all tasks shorter than planned',
    arm: 'none',
    expected: 'refused',
    change: revalue('task', (op) => {
      return op.type === 'invoke' ? { idealMs: (op.value as TaskIntent).idealMs - laterMs } : undefined
    }),
  },
  {
    name: 'no measurement of the harness',
    arm: 'none',
    expected: 'INCONCLUSIVE',
    change: ops((op) => (op.f === 'health' ? [] : [op])),
  },
  {
    name: 'the proof of a fault taken away',
    arm: 'pause',
    expected: 'INCONCLUSIVE',
    change: ops((op) => (op.f === 'fault' && op.value.state === 'proven' ? [] : [op])),
  },
  {
    name: 'the heal of a fault taken away',
    arm: 'pause',
    expected: 'INCONCLUSIVE',
    change: ops((op) => (op.f === 'fault' && op.value.state === 'healed' ? [] : [op])),
  },
  {
    name: 'no promises in the first line',
    arm: 'none',
    expected: 'refused',
    change: revalue('cell', () => ({ promises: [] })),
  },
  {
    name: 'an operation that is none',
    arm: 'none',
    expected: 'refused',
    change: ops((op) => [op.f === 'effect' && op.task === one ? ({ ...op, f: 'effecx' } as never) : op]),
  },
  {
    name: 'a measurement of the harness without a number',
    arm: 'none',
    expected: 'refused',
    change: ops((op) => [op.f === 'health' ? ({ ...op, value: {} } as never) : op]),
  },
  {
    name: 'an operation without a value',
    arm: 'none',
    expected: 'refused',
    change: ops((op) => {
      const { value: _, ...rest } = op
      return [isEnd(op) && op.task === one ? (rest as never) : op]
    }),
  },
  {
    name: 'a line of the ledger taken away',
    arm: 'none',
    expected: 'refused',
    change: ({ history, ledger }) => ({ history, ledger: ledger.toSpliced(4, 1) }),
  },
]

/** No client learned how these tasks ended; this is what the server says of them in the end. */
function lose(jobs: readonly string[], told: (digest: string) => object): Edit['change'] {
  return ({ history, ledger }) => {
    const giveUp = (op: OpOf<'task'>): Draft => {
      const { giveUpAt } = intentOf(history, op.task!)
      return { ...op, type: 'info', at: giveUpAt, value: {}, error: 'gave up at the deadline' } as Draft
    }
    const finals = jobs.map((task): Draft => {
      const { taskId } = history.find((op) => isEnd(op) && op.task === task)!.value as { taskId: string }
      const value = { taskId, ...told(intentOf(history, task).expectedDigest) }
      return { f: 'final', type: 'ok', process: 'harness', task, at: lastAt(history), value } as Draft
    })
    return {
      ledger,
      history: rewrite(history, (op) => {
        if (isEnd(op) && jobs.includes(op.task!)) return [giveUp(op)]
        return op.f === 'phase' && op.value.phase === 'end' ? [...finals, op] : [op]
      }),
    }
  }
}

/** Each of these tasks does its first step once more, long after the first time. */
function repeat(jobs: readonly string[]): Edit['change'] {
  return ({ history, ledger }: Recorded) => {
    const effects = history.filter((op) => op.f === 'effect')
    const isRepeated = (op: OpOf<'effect'>): boolean => jobs.includes(op.task!) && op.value.step === 1
    const laterBy = (op: OpOf<'effect'>): Draft => {
      const { startedAt, endedAt } = op.value
      const value = { ...op.value, startedAt: startedAt + laterMs * 20, endedAt: endedAt + laterMs * 20 }
      return added({ ...op, at: op.at + laterMs * 20, value })
    }
    return {
      history: rewrite(history, (op) => (op.f === 'effect' && isRepeated(op) ? [op, laterBy(op)] : [op])),
      ledger: ledger.flatMap((line, i) => (effects[i] && isRepeated(effects[i]) ? [line, laterLine(line)] : [line])),
    }
  }
}

function laterLine(line: string): string {
  const effect = JSON.parse(line) as Record<'startedAt' | 'endedAt' | 'receivedAt', number>
  const later = Object.fromEntries(
    (['startedAt', 'endedAt', 'receivedAt'] as const).map((name) => [name, effect[name] + laterMs * 20]),
  )
  return JSON.stringify({ ...effect, ...later })
}

/** The same op as a new one. */
function added(op: Op): Draft {
  const { index: _, ...rest } = op
  return rest
}

function lastAt(history: readonly Op[]): number {
  return history.reduce((latest, { at }) => Math.max(latest, at), 0)
}
