import { expect, test } from 'vitest'
import type { PlannedFault } from '../../../harness/model/plan.ts'
import { traceOf } from '../../../harness/analysis/trace.ts'
import { judgeCell } from '../../../harness/verdict/cell.ts'
import { fault, story } from '../checkers/story.ts'

const planned = (id: string) => {
  const trigger = { kind: 'time', atMs: 100 }
  return { id, fault: 'kill', trigger, durationMs: 500, params: {} } as unknown as PlannedFault
}

test('a window is compared with the plan: from when it took effect until it was healed', () => {
  const history = story([...fault('a', 'worker-0', 100, 2000), ...fault('b', 'worker-1', 100)], {
    faults: [planned('a'), planned('b'), planned('c')],
  })
  const [healed, open, skipped] = traceOf(history).faults
  expect(healed).toMatchObject({ plannedMs: 500, lastedMs: 1900 })
  expect(open).toMatchObject({ plannedMs: 500 })
  expect(open).not.toHaveProperty('lastedMs')
  expect(skipped).toMatchObject({ plannedMs: 500, state: 'skipped' })
  expect(judgeCell(history, []).faults[0]).toMatchObject({ plannedMs: 500, lastedMs: 1900 })
})
