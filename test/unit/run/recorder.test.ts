import { describe, expect, it } from 'vitest'
import { monotonicMs } from '../../../patterns/contract/types/timer.ts'
import type { Op } from '../../../harness/model/history.ts'
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
})
