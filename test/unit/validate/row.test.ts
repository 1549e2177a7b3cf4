import { expect, test } from 'vitest'
import type { CellResult } from '../../../harness/model/results.ts'
import { rowOfCells } from '../../../harness/validate/row.ts'

const about = { control: 'one-shot', what: 'w', expected: 'e' }
const quiet = { verdict: 'INCONCLUSIVE', faults: [{ proven: false }], cell: { id: 'a' }, reasons: ['a: no effect'] }
const others = { worst: 0.9 }

test.each([
  ['a fault that did nothing on a quiet machine', quiet, 'miss'],
  ['a fault that did nothing on a busy machine', { ...quiet, health: { machine: { others } } }, 'unmeasured'],
  ['a cell that is INVALID', { ...quiet, verdict: 'INVALID', faults: [] }, 'unmeasured'],
])('%s', (_, cell, verdict) => {
  const row = rowOfCells(about, [cell as unknown as CellResult], () => ({ got: 'nothing', isHit: false }))
  expect(row.verdict).toBe(verdict)
})
