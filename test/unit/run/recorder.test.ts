import { describe, expect, it } from 'vitest'
import { monotonicMs } from '../../../patterns/contract/types/timer.ts'
import type { Op } from '../../../harness/model/history.ts'
import { maskOf } from '../../../harness/core/masking.ts'
import { createRecorder } from '../../../harness/run/recorder.ts'

describe('the recorder', () => {
  it('numbers every op from 0, and holds those before the epoch back until times can be given', () => {
    const ops: Op[] = []
    const recorder = createRecorder({ append: (op) => ops.push(op) })
    const phase = { f: 'phase', type: 'observe', process: 'harness', value: { phase: 'load' } } as const
    recorder.record(phase)
    expect(ops).toEqual([])
    recorder.startAt(monotonicMs() + 1000)
    recorder.record(phase)
    expect(ops.map(({ index }) => index)).toEqual([0, 1])
    expect(ops[0]!.at).toBeLessThan(0)
  })

  it('takes the time of something measured elsewhere', () => {
    const ops: Op[] = []
    const recorder = createRecorder({ append: (op) => ops.push(op) })
    recorder.startAt(5000)
    recorder.record({ f: 'phase', type: 'observe', process: 'x', value: { phase: 'end' }, atMonotonicMs: 5012.34567 })
    expect(ops[0]).toEqual({ index: 0, at: 12.346, f: 'phase', type: 'observe', process: 'x', value: { phase: 'end' } })
  })

  it('keeps no secret that a service repeats, in an answer or in an id, and leaves what the ledger has too', () => {
    const ops: Op[] = []
    const recorder = createRecorder(
      { append: (op) => ops.push(op) },
      maskOf([{ name: 'OUTLAST_TOKEN', value: 'key-12345' }]),
    )
    recorder.startAt(0)
    const client = { process: 'client', task: 't-1' } as const
    const value = { attempt: 1, taskId: 'job-key-12345', status: 401 }
    recorder.record({ ...client, f: 'submit', type: 'fail', value, error: 'HTTP 401: no such token: key-12345' })
    recorder.record({ f: 'refusal', type: 'observe', process: 'ledger', value: { reason: 'x', said: 'key-12345' } })
    expect(ops[0]).toMatchObject({
      value: { ...value, taskId: 'job-$OUTLAST_TOKEN' },
      error: 'HTTP 401: no such token: $OUTLAST_TOKEN',
    })
    expect(ops[1]).toMatchObject({ value: { said: 'key-12345' } })
  })
})
