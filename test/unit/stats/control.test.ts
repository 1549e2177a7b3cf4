import { expect, test } from 'vitest'
import { traceOf } from '../../../harness/analysis/trace.ts'
import { measureControl } from '../../../harness/stats/control.ts'
import { effect, story } from '../checkers/story.ts'
import { plannedFault } from './cells.ts'

const keys = Array.from({ length: 8 }, (_, i) => `c-cancel-${i + 1}`)
const moment = (task: string, at: number, what: 'ordered' | 'acknowledged') =>
  ({
    f: 'control',
    type: 'observe',
    at,
    process: 'client',
    task,
    value: { kind: 'cancel', moment: what, command: 'cancel', type: 'cancel', taskId: `id-${task}` },
  }) as const

/** Each is cancelled within 10, 20, ... ms; of the first one two steps begin after that. */
const measured = (over: object = {}) => {
  const lines = keys.flatMap((key, i) => [moment(key, 100, 'ordered'), moment(key, 110 + 10 * i, 'acknowledged')])
  const control = keys.map((key) => ({ key, kind: 'cancel' as const, seed: 7, atMs: 0, afterMs: 10 }))
  const late = [effect(keys[0]!, 2, 400), effect(keys[0]!, 3, 500)]
  return measureControl(traceOf(story([...lines, ...late], { profile: 'smoke', timeScale: 1, control, ...over })))!
    .cancel
}

test('effects after a cancellation, and the tasks that they are of', () => {
  expect(measured()).toMatchObject({ sent: 8, acknowledged: 8, begunAfter: 2, tasksBegunAfter: 1 })
})

test('a time has an interval where no fault is shared', () => {
  expect(measured()).toMatchObject({ acknowledgedMs: 40, acknowledgedIn: [10, 80] })
  expect(measured({ faults: [plannedFault({})] })).not.toHaveProperty('acknowledgedIn')
})

test('what never came is later than all that came, and what had ended is not at work', () => {
  const never = keys.flatMap((key, i) => [
    moment(key, 100, 'ordered'),
    ...(i < 3 ? [moment(key, 110 + i, 'acknowledged')] : []),
  ])
  const control = keys.map((key) => ({ key, kind: 'cancel' as const, seed: 7, atMs: 0, afterMs: 10 }))
  const found = measureControl(traceOf(story(never, { control })))!.cancel
  expect(found).toMatchObject({ sent: 8, acknowledged: 3, atWork: 0 })
  expect(found).not.toHaveProperty('acknowledgedMs')
  expect(found).not.toHaveProperty('acknowledgedIn')
})
